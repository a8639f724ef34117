//! Answers as XML.

pub(super) mod endpoint;
pub(super) mod group;
pub(super) mod network;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::ec2::{Described, Tags};
use crate::http::xml::Xml;

/// The answer that only says that it is done.
pub(super) fn done(xml: &mut Xml, _: &()) {
    xml.leaf("return", true);
}

/// A page of a list, and how to ask for the next one, if there is one.
fn page<T>(xml: &mut Xml, name: &str, page: &Described<T>, write: impl Fn(&mut Xml, &T)) {
    xml.list(name, &page.items, write);
    xml.maybe("nextToken", page.next_token.as_ref());
}

/// The tags of a resource that has none here.
fn no_tags(xml: &mut Xml) {
    tags(xml, &Tags::new());
}

/// The tags of a resource.
fn tags(xml: &mut Xml, tags: &Tags) {
    xml.list("tagSet", tags, |xml, (key, value)| {
        xml.leaf("key", key);
        xml.leaf("value", value);
    });
}

/// A time, with milliseconds.
fn time(time: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // Every time that the world can have can be written like this.
    time.to_offset(time::UtcOffset::UTC)
        .format(format)
        .unwrap_or_default()
}
