//! Which characters a text parameter may have, as the documentation words it.

/// A set of characters, with what the first one has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Anything.
    Any,
    /// Letters (Chinese ones too), digits, `.`, `_`, `-`; a letter first: names.
    Name,
    /// Letters, digits, `-`, `/`, `.`, `_`: descriptions.
    Description,
    /// Letters, digits, `.`, `-`, or the word `$_ip`: the Host header of a health check.
    Domain,
    /// `/` first; letters, digits, `-`, `/`, `.`, `%`, `?`, `#`, `&`: the path of a health check. `=` and `_`
    /// are taken too: the annotation reference shows them.
    Path,
    /// Letters, digits, `-`, `_`: a cookie. The API's text has letters and digits only, the annotation
    /// reference an example with `-`; the wider is taken.
    Cookie,
    /// Printable ASCII.
    Ascii,
}

impl Charset {
    /// Whether `text` is made of these characters only.
    pub fn accepts(self, text: &str) -> bool {
        let first = text.chars().next();
        match self {
            Charset::Any => true,
            Charset::Name => {
                first.is_some_and(char::is_alphabetic)
                    && text
                        .chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
            }
            Charset::Description => text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | '.' | '_')),
            Charset::Domain => {
                text == "$_ip"
                    || text
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
            }
            Charset::Path => {
                first == Some('/')
                    && text.chars().all(|c| {
                        c.is_ascii_alphanumeric()
                            || matches!(c, '-' | '/' | '.' | '%' | '?' | '#' | '&' | '=' | '_')
                    })
            }
            Charset::Cookie => text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')),
            Charset::Ascii => text.chars().all(|c| c.is_ascii_graphic() || c == ' '),
        }
    }
}
