//! Responses by a model: each field present or not, of any type, in any order, more than once.

use arbitrary::Arbitrary;

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
    Id,
    Success,
    Code,
    Message,
    Error,
    Record,
    Originator,
    Recipient,
    Body,
    Text,
    RouteId,
    Reference,
    CampaignId,
    Scheduled,
    Name,
    ScheduleDateTime,
    SpreadHours,
    ShortenUrls,
    ExcludeOptouts,
    ExcludeDuplicates,
    RecipientCount,
    Recipients,
    Status,
    Errors,
    Detail,
    Title,
    Messages,
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
    /// What stands before and behind the words of a notice.
    Notice(&'a str, &'a str),
    LoneSurrogate(&'a str),
    List(Vec<Json<'a>>),
    Object(Vec<(Key<'a>, Json<'a>)>),
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
    let fields: Vec<_> =
        fields.iter().map(|(key, value)| format!("{}:{}", key.json(), value.json())).collect();
    format!("{{{}}}", fields.join(","))
}

impl Key<'_> {
    fn json(&self) -> String {
        quoted(match self {
            Self::Id => "id",
            Self::Success => "success",
            Self::Code => "code",
            Self::Message => "message",
            Self::Error => "error",
            Self::Record => "record",
            Self::Originator => "originator",
            Self::Recipient => "recipient",
            Self::Body => "body",
            Self::Text => "text",
            Self::RouteId => "routeId",
            Self::Reference => "reference",
            Self::CampaignId => "campaignId",
            Self::Scheduled => "scheduled",
            Self::Name => "name",
            Self::ScheduleDateTime => "scheduleDateTime",
            Self::SpreadHours => "spreadHours",
            Self::ShortenUrls => "shortenUrls",
            Self::ExcludeOptouts => "excludeOptouts",
            Self::ExcludeDuplicates => "excludeDuplicates",
            Self::RecipientCount => "recipientCount",
            Self::Recipients => "recipients",
            Self::Status => "status",
            Self::Errors => "errors",
            Self::Detail => "detail",
            Self::Title => "title",
            Self::Messages => "messages",
            Self::Other(key) => key,
        })
    }
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
                let values: Vec<_> = values.iter().map(Json::json).collect();
                format!("[{}]", values.join(","))
            }
            Self::Object(fields) => object(fields),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
