//! Answers as XML.

pub(super) mod endpoint;
pub(super) mod group;
pub(super) mod network;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::ec2::Tags;
use crate::http::xml::Xml;

/// The answer that only says that it is done.
pub(super) fn done(xml: &mut Xml, _: &()) {
    xml.leaf("return", true);
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
