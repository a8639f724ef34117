"""What the schema of a request cannot say: two spellings of one network are one
network, and one that is listed twice is refused."""

import ipaddress

import schemathesis


def network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except (TypeError, ValueError):
        return text


@schemathesis.hook
def filter_body(context, body):
    sources = body.get("sources") if isinstance(body, dict) else None
    cidrs = sources.get("cidrs") if isinstance(sources, dict) else None
    if not isinstance(cidrs, list) or not all(isinstance(cidr, str) for cidr in cidrs):
        return True
    # What is the same text twice breaks the schema and is to be refused.
    return len({network(cidr) for cidr in cidrs}) == len(set(cidrs))
