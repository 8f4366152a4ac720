//! The status that a Function should have, as a value.

use resources::conditions::READY;
use resources::{Condition, ConditionStatus, Function, FunctionStatus, Reason};

use super::Problem;

/// Most characters of a condition's message; the rest of a longer one is cut.
pub const MESSAGE_CHARS_MAX: usize = 4_096;

/// What is known of a Function.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Why it is not ready; `None` where it is, or where that is not known yet.
    pub problem: Option<Problem>,
    /// Whether all that must be known before a start is known.
    pub is_decided: bool,
    /// Its ARN.
    pub arn: Option<String>,
    /// Environments that exist.
    pub environments: i32,
    /// The image that they run, by digest.
    pub image: Option<String>,
}

/// The status that says so. A condition whose `status` stays keeps its time.
pub fn status(
    generation: Option<i64>,
    before: Option<&FunctionStatus>,
    standing: &Standing,
    now: &str,
) -> FunctionStatus {
    let (holds, reason, message) = match (&standing.problem, standing.is_decided) {
        (Some(problem), _) => (ConditionStatus::False, problem.reason.as_str(), problem.message.as_str()),
        (None, true) => (ConditionStatus::True, Reason::Available.as_str(), "The function can be invoked."),
        (None, false) => (ConditionStatus::Unknown, "Pending", "The image's registry has not answered yet."),
    };
    let before = before.iter().flat_map(|status| &status.conditions);
    let kept = before.filter(|condition| condition.kind == READY && condition.status == holds);
    let last_transition_time =
        kept.map(|condition| condition.last_transition_time.clone()).next().unwrap_or_else(|| now.to_owned());
    FunctionStatus {
        observed_generation: generation,
        state: Some(state(standing).to_owned()),
        arn: standing.arn.clone(),
        environments: standing.environments,
        image: standing.image.clone(),
        conditions: vec![Condition {
            kind: READY.to_owned(),
            status: holds,
            observed_generation: generation,
            last_transition_time,
            reason: reason.to_owned(),
            message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
        }],
    }
}

/// The state as the Lambda API shows it. A function whose start failed stays `Active`, as on AWS: what is
/// invoked next is tried.
fn state(standing: &Standing) -> &'static str {
    match &standing.problem {
        None if standing.is_decided => "Active",
        None => "Pending",
        Some(problem) if problem.is_of_a_start() && problem.reason != Reason::ImagePullFailed => "Active",
        Some(_) => "Failed",
    }
}

/// The image that this generation's environments run, by digest, where a registry told it before.
pub fn pinned_image(generation: Option<i64>, status: Option<&FunctionStatus>) -> Option<&str> {
    status.filter(|status| status.observed_generation == generation)?.image.as_deref()
}

/// The failure that an earlier operator found at this generation, so that a restart does not forget it.
pub fn recorded_failure(function: &Function) -> Option<Problem> {
    let status = function.status.as_ref()?;
    let condition = status.conditions.iter().find(|condition| condition.kind == READY)?;
    if condition.observed_generation != function.metadata.generation {
        return None;
    }
    let of_a_start = [
        Reason::HandlerNotFound,
        Reason::InitFailed,
        Reason::InitTimedOut,
        Reason::PodRefused,
        Reason::Unschedulable,
        Reason::ImagePullFailed,
    ];
    let reason = of_a_start.into_iter().find(|reason| reason.as_str() == condition.reason)?;
    Some(Problem::new(reason, condition.message.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn function() -> Function {
        serde_json::from_value(json!({
            "apiVersion": "kubelambda.dev/v1alpha1", "kind": "Function",
            "metadata": {"name": "f", "namespace": "n", "generation": 3}, "spec": {"code": {"image": "i"}},
        }))
        .unwrap()
    }

    fn standing(problem: Option<Problem>) -> Standing {
        Standing { problem, is_decided: true, arn: None, environments: 0, image: None }
    }

    #[test]
    fn a_condition_that_stays_keeps_its_time() {
        let mut function = function();
        let first = status(Some(3), None, &standing(None), "2026-01-01T00:00:00Z");
        assert_eq!(first.state.as_deref(), Some("Active"));
        assert_eq!(status(Some(3), Some(&first), &standing(None), "2026-01-02T00:00:00Z"), first);
        let failed = Problem::new(Reason::InitFailed, "boom");
        let second = status(Some(3), Some(&first), &standing(Some(failed.clone())), "2026-01-02T00:00:00Z");
        assert_eq!(second.conditions[0].last_transition_time, "2026-01-02T00:00:00Z");
        function.status = Some(second);
        assert_eq!(recorded_failure(&function), Some(failed));
        function.metadata.generation = Some(4);
        assert_eq!(recorded_failure(&function), None);
    }
}
