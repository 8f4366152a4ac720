//! The Availability Zone id of an execution environment, in the form that AWS gives to zones: `use1-az1`.

use crate::Region;

/// The id of the first zone of `region`, for an environment whose node names no zone: `eu-central-1` has `euc1-az1`.
///
/// AWS's short form of a region keeps its first part and number, and one letter of each direction between them.
pub fn first_zone_id(region: &Region) -> String {
    let parts: Vec<_> = region.as_str().split('-').collect();
    let last = parts.len().saturating_sub(1);
    let short = parts.iter().enumerate().map(|(at, part)| match at {
        0 => part,
        at if at == last => part,
        _ => direction(part),
    });
    format!("{}-az1", short.collect::<String>())
}

fn direction(part: &str) -> &str {
    match part {
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        other => other.get(..1).unwrap_or(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_are_named_as_aws_names_them() {
        for (region, zone) in [
            ("us-east-1", "use1-az1"),
            ("ap-southeast-2", "apse2-az1"),
            ("us-gov-west-1", "usgw1-az1"),
            ("eu-central-1", "euc1-az1"),
            ("home", "home-az1"),
        ] {
            assert_eq!(first_zone_id(&region.parse().unwrap()), zone);
        }
    }

    proptest! {
        #[test]
        fn every_region_has_a_zone(region in "[a-z0-9-]{1,32}") {
            prop_assert!(first_zone_id(&region.parse().unwrap()).ends_with("-az1"));
        }
    }
}
