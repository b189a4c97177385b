//! Responses from a model: each field present or not, of any type, in any order, more than once.

use arbitrary::{Arbitrary, Result, Unstructured};

#[path = "keys.rs"]
mod keys;

use keys::KEYS;

#[derive(Arbitrary, Debug)]
pub(crate) struct Response<'a> {
    status: Status,
    fields: Vec<(Key<'a>, Json<'a>)>,
}

#[derive(Arbitrary, Debug)]
enum Status {
    Ok,
    Forbidden,
    Any(u16),
}

#[derive(Arbitrary, Debug)]
enum Key<'a> {
    Known(#[arbitrary(with = known_key)] &'static str),
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Json<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Code(u16),
    Integer(i64),
    Float(f64),
    Digits(u16),
    Text(&'a str),
    OptedOut(&'a str),
    /// The text before an opt-out notice and the text behind it.
    Notice(&'a str, &'a str),
    LoneSurrogate(&'a str),
    List(Vec<Json<'a>>),
    Object(Vec<(Key<'a>, Json<'a>)>),
}

fn known_key(u: &mut Unstructured<'_>) -> Result<&'static str> {
    u.choose(&KEYS).copied()
}

impl Response<'_> {
    pub(crate) fn status(&self) -> u16 {
        match self.status {
            Status::Ok => 200,
            Status::Forbidden => 403,
            Status::Any(status) => status,
        }
    }

    pub(crate) fn body(&self) -> String {
        object(&self.fields)
    }
}

fn object(fields: &[(Key<'_>, Json<'_>)]) -> String {
    let field = |(Key::Known(key) | Key::Other(key), value): &(Key<'_>, Json<'_>)| {
        format!("{}:{}", quoted(key), value.json())
    };
    format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
}

impl Json<'_> {
    fn json(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Code(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => serde_json::to_string(value).unwrap(),
            Self::Digits(value) => format!("\"{value}\""),
            Self::Text(text) => quoted(text),
            Self::OptedOut(number) => quoted(&format!("Recipient is opted out: {number}")),
            Self::Notice(before, behind) => {
                quoted(&format!("{before}recipient is opted out{behind}"))
            }
            Self::LoneSurrogate(text) => quoted(text).replacen('"', r#""\ud83d"#, 1),
            Self::List(values) => {
                format!("[{}]", values.iter().map(Json::json).collect::<Vec<_>>().join(","))
            }
            Self::Object(fields) => object(fields),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
