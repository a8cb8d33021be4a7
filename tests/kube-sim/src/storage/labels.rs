//! Label selectors: the grammar and the refusals of `k8s.io/apimachinery/pkg/labels`.

use serde_json::Value;

/// Longer ones first.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    key: String,
    wanted: Wanted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Requirement {
    /// Whether a map of labels fulfils it.
    pub(super) fn accepts(&self, labels: &Value) -> bool {
        let found = labels.get(&self.key).and_then(Value::as_str);
        let number = || found.and_then(|found| found.parse::<i64>().ok());
        match (&self.wanted, found) {
            (Wanted::Exists, found) => found.is_some(),
            (Wanted::Absent, found) => found.is_none(),
            (Wanted::In(values), Some(found)) => values.iter().any(|value| value == found),
            (Wanted::In(_), None) => false,
            (Wanted::NotIn(values), Some(found)) => !values.iter().any(|value| value == found),
            (Wanted::NotIn(_), None) => true,
            (Wanted::Above(limit), _) => number().is_some_and(|number| number > *limit),
            (Wanted::Below(limit), _) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// Parses a selector; the error is the API's text.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser {
        tokens: tokens(text),
        position: 0,
    };
    let mut requirements = Vec::new();
    loop {
        match parser.peek() {
            Token::End => return Ok(requirements),
            Token::Word(_) | Token::Symbol("!") => {}
            other => {
                return Err(format!(
                    "found '{other}', expected: !, identifier, or 'end of string'"
                ));
            }
        }
        let requirement = parser
            .requirement()
            .map_err(|why| format!("unable to parse requirement: {why}"))?;
        requirements.push(requirement);
        match parser.take() {
            Token::End => return Ok(requirements),
            Token::Symbol(",") => match parser.peek() {
                Token::Word(_) | Token::Symbol("!") => {}
                other => return Err(format!("found '{other}', expected: identifier after ','")),
            },
            other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(&'static str),
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => formatter.write_str(word),
            Self::Symbol(symbol) => formatter.write_str(symbol),
            Self::End => Ok(()),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let symbol = SYMBOLS
            .into_iter()
            .find(|symbol| rest.starts_with(symbol))
            .unwrap_or_default();
        if symbol.is_empty() {
            let is_end = |symbol: char| symbol.is_whitespace() || "=!(),><".contains(symbol);
            let (word, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
            tokens.push(Token::Word(word.to_owned()));
            rest = after.trim_start();
        } else {
            tokens.push(Token::Symbol(symbol));
            rest = rest[symbol.len()..].trim_start();
        }
    }
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.position).cloned().unwrap_or(Token::End)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.position += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let is_negated = self.peek() == Token::Symbol("!");
        if is_negated {
            self.take();
        }
        let key = match self.take() {
            Token::Word(key) => key,
            other => return Err(format!("found '{other}', expected: identifier")),
        };
        if is_negated {
            return Ok(Requirement {
                key,
                wanted: Wanted::Absent,
            });
        }
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(Requirement {
                key,
                wanted: Wanted::Exists,
            });
        }
        let wanted = match self.take() {
            Token::Symbol("=" | "==") => Wanted::In(vec![self.value()?]),
            Token::Symbol("!=") => Wanted::NotIn(vec![self.value()?]),
            Token::Symbol(">") => Wanted::Above(self.number(&key, "Gt")?),
            Token::Symbol("<") => Wanted::Below(self.number(&key, "Lt")?),
            Token::Word(word) if word == "in" => Wanted::In(self.values()?),
            Token::Word(word) if word == "notin" => Wanted::NotIn(self.values()?),
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        Ok(Requirement { key, wanted })
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Ok(String::new());
        }
        match self.take() {
            Token::Word(value) => Ok(value),
            other => Err(format!("found '{other}', expected: identifier")),
        }
    }

    fn number(&mut self, key: &str, operator: &str) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_error| {
            format!("{key}: Invalid value: \"{value}\": for '{operator}', the value must be an integer")
        })
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.take() {
            Token::Symbol("(") => {}
            other => return Err(format!("found '{other}' expected: '('")),
        }
        let mut values = Vec::new();
        loop {
            match self.take() {
                Token::Word(value) => {
                    values.push(value);
                    match self.take() {
                        Token::Symbol(",") => {}
                        Token::Symbol(")") => return Ok(values),
                        other => return Err(format!("found '{other}', expected: ',' or ')'")),
                    }
                }
                Token::Symbol(",") => values.push(String::new()),
                Token::Symbol(")") => {
                    values.push(String::new());
                    return Ok(values);
                }
                other => return Err(format!("found '{other}', expected: ',', ')' or identifier")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(text: &str) -> bool {
        let labels = json!({"app": "web", "tier": "a", "weight": "7"});
        parse(text)
            .expect("parsed")
            .iter()
            .all(|requirement| requirement.accepts(&labels))
    }

    #[test]
    fn requirements_combine() {
        for (text, expected) in [
            ("app=web", true),
            ("app==web,tier!=b", true),
            ("app in (api, web),tier", true),
            ("!app", false),
            ("tier notin (a,b)", false),
            ("missing notin (a)", true),
            ("", true),
            ("app=", false),
            ("weight>6,weight<8", true),
            ("weight > 7", false),
        ] {
            assert_eq!(accepts(text), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            (
                "a b",
                "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            ),
            (
                "a in (b",
                "unable to parse requirement: found '', expected: ',' or ')'",
            ),
            (
                "a===b",
                "unable to parse requirement: found '=', expected: identifier",
            ),
            ("a=b)", "found ')', expected: ',' or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
        ] {
            assert_eq!(parse(text), Err(expected.to_owned()), "{text}");
        }
    }
}
