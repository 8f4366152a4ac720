//! From what a caller writes to a function.

use std::sync::Arc;

use domain::{FunctionArn, FunctionReference, Qualifier, Region};

use super::{Catalog, FunctionEntry};

/// A function, and the ARN by which it was called.
#[derive(Debug)]
pub struct Resolved {
    /// The function.
    pub function: Arc<FunctionEntry>,
    /// As the caller wrote it, completed.
    pub invoked_arn: String,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotResolved {
    /// The ARN names another region.
    #[error("functions from '{asked}' are not reachable in '{ours}'")]
    OtherRegion {
        /// The ARN's.
        asked: Region,
        /// The installation's.
        ours: Region,
    },
    /// There is no such function, version or alias.
    #[error("no function {arn}")]
    NotFound {
        /// The ARN, with the qualifier that was written.
        arn: FunctionArn,
    },
}

impl NotResolved {
    /// As Invoke tells it: with the version that it means, also where none was written.
    #[must_use]
    pub fn of_invoke(mut self) -> Self {
        if let Self::NotFound { arn } = &mut self {
            arn.qualifier.get_or_insert(Qualifier::Latest);
        }
        self
    }
}

impl Catalog {
    /// The function that `reference` names. A reference without an account means `default_namespace`.
    pub fn resolve(
        &self,
        reference: FunctionReference,
        region: &Region,
        default_namespace: &str,
    ) -> Result<Resolved, NotResolved> {
        let FunctionReference { region: asked, account, name, qualifier } = reference;
        if let Some(asked) = asked.filter(|asked| asked != region) {
            return Err(NotResolved::OtherRegion { asked, ours: region.clone() });
        }
        let (namespace, account) = match account {
            Some(account) => (self.namespaces.get(&account).map(String::as_str), account),
            None => (Some(default_namespace), self.account_of(default_namespace)),
        };
        let of_namespace = namespace.and_then(|namespace| self.functions.get(namespace));
        let function = of_namespace.and_then(|functions| functions.get(&name));
        let is_latest = matches!(&qualifier, None | Some(Qualifier::Latest));
        let arn = FunctionArn { region: region.clone(), account, name, qualifier };
        match function {
            Some(function) if is_latest => {
                Ok(Resolved { function: Arc::clone(function), invoked_arn: arn.to_string() })
            }
            _ => Err(NotResolved::NotFound { arn }),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::lambda_api::configuration::FunctionState;

    use super::super::source::*;
    use super::*;
    use crate::fleets::Fleets;

    fn created(epoch_seconds: i64, uid: &str) -> Created {
        Created { epoch_seconds, uid: uid.to_owned() }
    }

    fn function(namespace: &str, name: &str, created: Created) -> DeclaredFunction {
        DeclaredFunction {
            namespace: namespace.to_owned(),
            object: "object".to_owned(),
            created,
            name: name.parse().unwrap(),
            version: domain::LATEST.to_owned(),
            configuration: protocol::link::assignment::ConfigurationHash("h".to_owned()),
            timeout_seconds: 3,
            memory_mb: 128,
            environments_max: 1,
            tracing: domain::TracingMode::default(),
            tenancy: Tenancy::default(),
            unavailable: None,
            settings: Arc::default(),
            state: FunctionState::Active,
        }
    }

    fn namespace(name: &str, account: &str, created: Created) -> DeclaredNamespace {
        DeclaredNamespace { name: name.to_owned(), created, account: account.parse().unwrap() }
    }

    fn catalog() -> Catalog {
        let functions = vec![
            function("default", "f", created(2, "younger")),
            function("default", "f", created(1, "older")),
            function("other", "f", created(1, "b")),
            function("other", "g", created(1, "z")),
            function("other", "g", created(1, "a")),
        ];
        let namespaces = vec![
            namespace("default", "111111111111", created(1, "n1")),
            namespace("copy", "222222222222", created(3, "n3")),
            namespace("other", "222222222222", created(2, "n2")),
        ];
        let fleets = Fleets::for_tests();
        Catalog::build(&Declared { functions, namespaces }, |revision| fleets.of(revision))
    }

    fn check(reference: &str, expected: Result<&str, &str>) {
        let region: Region = "eu-west-1".parse().unwrap();
        let resolved = catalog().resolve(reference.parse().unwrap(), &region, "default");
        let found = resolved.map(|resolved| resolved.function.revision.uid.clone());
        let found = found.map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{reference}");
    }

    #[test]
    fn every_form_leads_to_the_oldest_of_its_name_and_account() {
        check("f", Ok("older"));
        check("f:$LATEST", Ok("older"));
        check("111111111111:function:f", Ok("older"));
        check("222222222222:function:f", Ok("b"));
        check("arn:aws:lambda:eu-west-1:222222222222:function:g", Ok("a"));
    }

    #[test]
    fn what_does_not_exist_is_named_by_its_arn() {
        check("h", Err("no function arn:aws:lambda:eu-west-1:111111111111:function:h"));
        check("f:7", Err("no function arn:aws:lambda:eu-west-1:111111111111:function:f:7"));
        check("f:live", Err("no function arn:aws:lambda:eu-west-1:111111111111:function:f:live"));
        let unknown = "no function arn:aws:lambda:eu-west-1:333333333333:function:f";
        check("333333333333:function:f", Err(unknown));
        check(
            "arn:aws:lambda:us-east-1:111111111111:function:f",
            Err("functions from 'us-east-1' are not reachable in 'eu-west-1'"),
        );
    }
}
