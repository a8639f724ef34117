//! What to do, in the words of the command line. The catalogue speaks of the fields
//! of a request, as the HTTP API has them.

use shared::Code;
use shared::ids::VpcId;

/// Fields as the catalogue writes them, and what stands for them here. A limit has no
/// flag of its own.
const WORDS: [(&str, &str); 15] = [
    ("private_dns false", "`--no-private-dns`"),
    (
        "without unless_traffic_minutes",
        "without `--unless-traffic-minutes`",
    ),
    ("with force", "with `--force`"),
    ("with cluster_is_gone", "with `--cluster-is-gone`"),
    ("without protect", "without `--protect`"),
    ("with add_trusted_owner", "with `--add-trusted-owner`"),
    ("vpc_id, region", "`--vpc-id`, `--region`"),
    ("account_id", "`--account-id`"),
    ("subnet_ids", "`--subnet-id`"),
    ("sources.cidrs", "`--cidr`"),
    ("sources.security_group_ids", "`--source-group`"),
    ("sources.prefix_list_ids", "`--prefix-list`"),
    (
        "limits.lease_seconds",
        "limits.lease_seconds (in a file with `--request`; for `deprovision` `--lease-seconds`)",
    ),
    ("_seconds.", "_seconds (in a file with `--request`)."),
    (
        "limits.change_seconds",
        "limits.change_seconds (in a file with `--request`)",
    ),
];

/// What to do about it, where the VPC is known with its id.
pub fn of(code: Code, vpc: Option<&VpcId>) -> String {
    told(code.fix(), vpc)
}

/// The same of a fix as the catalogue writes it.
pub fn told(fix: &str, vpc: Option<&VpcId>) -> String {
    let mut text = fix.to_owned();
    for (field, words) in WORDS {
        text = text.replace(field, words);
    }
    match vpc {
        Some(vpc) => text.replace("--vpc-id` and the VPC's id", &format!("--vpc-id {vpc}`")),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By form: a field of a request has an underscore, and so have few other words.
    #[test]
    fn a_fix_speaks_of_flags_and_not_of_fields() {
        for code in Code::ALL {
            let fix = of(*code, None);
            let words = fix.split(|c: char| !(c.is_ascii_alphanumeric() || "._{\"".contains(c)));
            let fields =
                words.filter(|word| word.contains('_') && *word == word.to_ascii_lowercase());
            for field in fields {
                let at = fix.find(field).unwrap_or_default() + field.len();
                let is_in_a_file = fix[at..].starts_with(" (in a file with `--request`");
                let is_elsewhere = ["internal_dns", "api_key", "ledger_is_complete"]
                    .iter()
                    .any(|other| field.contains(other));
                assert!(is_in_a_file || is_elsewhere, "{code}: {field} in: {fix}");
            }
        }
    }

    #[test]
    fn the_vpc_is_named() {
        let vpc = "vpc-0a1b2c3d4e5f60718".parse().unwrap();
        let fix = of(Code::VpcDnsHostnamesDisabled, Some(&vpc));
        assert_eq!(
            fix,
            "Run `aws ec2 modify-vpc-attribute --enable-dns-hostnames Value=true \
             --vpc-id vpc-0a1b2c3d4e5f60718`, or connect with `--no-private-dns`."
        );
    }
}
