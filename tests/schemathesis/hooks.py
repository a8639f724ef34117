"""What the schema of a request cannot say: two spellings of one network are one
network, and one that is listed twice is refused; how keys of tags are written; and
that null is the same as nothing, which API Gateway's models have no word for."""

import ipaddress
import unicodedata

import schemathesis


def network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except (TypeError, ValueError):
        return text


def is_key(text):
    reserved = ("aws:", "cockroachdb-privatelink:")
    is_text = all(unicodedata.category(letter) != "Cc" for letter in text)
    return 1 <= len(text) <= 128 and is_text and not text.lower().startswith(reserved)


@schemathesis.hook
def filter_body(context, body):
    tags = body.get("tags") if isinstance(body, dict) else None
    if isinstance(tags, dict) and not all(is_key(key) for key in tags):
        return False
    sources = body.get("sources") if isinstance(body, dict) else None
    cidrs = sources.get("cidrs") if isinstance(sources, dict) else None
    if not isinstance(cidrs, list) or not all(isinstance(cidr, str) for cidr in cidrs):
        return True
    # What is the same text twice breaks the schema and is to be refused.
    return len({network(cidr) for cidr in cidrs}) == len(set(cidrs))


@schemathesis.hook
def filter_case(context, case):
    body = case.body
    fields = ("account_id", "sql_user")
    return not (isinstance(body, dict) and any(body.get(name, "") is None for name in fields))
