//! The macros that declare settings: [`settings!`](crate::settings) for a struct, [`choice!`](crate::choice)
//! for an enum.

/// Declares a struct of settings: each field has a comment (shown in `--help`), a name, a type and where its
/// value comes from: [`required()`](crate::required), [`default("text")`](crate::default),
/// [`optional()`](crate::optional), [`list()`](crate::list) or [`group()`](crate::group), with further
/// conditions after it (see [`Field`](crate::Field)). The struct gets `Debug` and `Clone`; its fields are
/// public.
///
/// `pub struct Name checked by path::to::function { … }` adds a `fn(&Partial<Name>, &mut Checker<'_, '_>)`
/// for what concerns more than one field. It runs whatever else is wrong; a field of
/// [`Partial`](crate::Partial) is `None` when its own mistake has been named already.
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(checked by $check:path)? {
            $( $(#[doc = $doc:literal])* $field:ident : $type:ty = $spec:expr ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        impl $crate::Setting for $name {
            fn shape() -> $crate::Shape {
                $crate::Shape::Group(<Self as $crate::Settings>::fields())
            }

            fn from_node(
                node: &$crate::Node,
                at: &mut $crate::At<'_>,
            ) -> ::std::option::Option<Self> {
                $crate::__private::read_group(node, at)
            }
        }

        const _: () = {
            /// The fields that could be read.
            #[allow(unreachable_pub)]
            pub struct Partial {
                $( $(#[doc = $doc])* pub $field: ::std::option::Option<$type>, )*
            }

            impl $crate::Settings for $name {
                type Partial = Partial;

                fn fields() -> ::std::vec::Vec<$crate::FieldShape> {
                    #[allow(unused_imports)]
                    use $crate::{default, group, list, optional, required};
                    ::std::vec![$({
                        let field: $crate::Field<$type> = $spec;
                        field.shape(stringify!($field), concat!($($doc, "\n"),*))
                    }),*]
                }

                fn read(reader: &mut $crate::GroupReader<'_, '_>) -> ::std::option::Option<Self> {
                    #[allow(unused_imports)]
                    use $crate::{default, group, list, optional, required};
                    // All fields are read, and checked together, before any is missed: each mistake is named
                    // at once.
                    let partial = Partial { $( $field: reader.field(stringify!($field), &$spec), )* };
                    $(
                        let mut checker = reader.checker();
                        $check(&partial, &mut checker);
                        if checker.found_any() {
                            return ::std::option::Option::None;
                        }
                    )?
                    ::std::option::Option::Some(Self { $( $field: partial.$field?, )* })
                }
            }
        };
    };
}

/// Declares an enum whose values are fixed texts: `pub enum Name { Variant = "text", … }`, each with a
/// comment. Gets `as_str`, `ALL`, `Display` and the usual derives.
#[macro_export]
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),+];

            /// The value as it is written in settings.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        $crate::scalar!(
            $name,
            [$($text),+].join(" or "),
            |text: &str| match text {
                $( $text => ::std::result::Result::Ok(Self::$variant), )+
                _ => ::std::result::Result::Err($crate::__private::not_one_of(text, &[$($text),+])),
            }
        );
    };
}
