//! Who may call what, when; and who is waited for.

use super::*;

fn id(number: u8) -> ExtensionId {
    ExtensionId::from_random_bytes([number; 16])
}

fn events(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn one_external(wanted: &[&str]) -> Extensions {
    let mut extensions = Extensions::default();
    extensions.launched("agent", id(1)).unwrap();
    assert!(!extensions.all_registered());
    assert_eq!(extensions.register("agent", &events(wanted), id(9)), Ok(id(1)));
    extensions
}

#[test]
fn an_external_extension_registers_once_under_its_file_s_name() {
    let mut extensions = one_external(&["INVOKE", "SHUTDOWN"]);
    assert!(extensions.all_registered() && !extensions.all_ready());
    let again = extensions.register("agent", &[], id(9)).unwrap_err();
    assert_eq!(again.error_type(), "Extension.InvalidExtensionState");
    assert_eq!(extensions.get(id(1)).unwrap().events.names(), ["INVOKE", "SHUTDOWN"]);
    extensions.next(id(1)).unwrap();
    assert!(extensions.all_ready());
}

#[test]
fn an_identifier_is_worth_nothing_before_registration() {
    let mut extensions = Extensions::default();
    extensions.launched("agent", id(1)).unwrap();
    assert_eq!(extensions.next(id(1)), Err(Refusal::UnknownIdentifier(id(1))));
    assert_eq!(extensions.exit_error(id(2), "x"), Err(Refusal::UnknownIdentifier(id(2))));
}

#[test]
fn registration_is_refused_in_aws_s_words() {
    let mut extensions = Extensions::default();
    for (name, wanted, message) in [
        ("", vec![], "Empty extension name"),
        ("in", vec!["SHUTDOWN"], "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"),
        ("in", vec!["X"], "X: ErrorInvalidEventType"),
    ] {
        let refused = extensions.register(name, &events(&wanted), id(1)).unwrap_err();
        assert_eq!(refused.to_string(), message);
    }
    extensions.register("in", &events(&["INVOKE"]), id(1)).unwrap();
    assert_eq!(extensions.register("in", &[], id(2)), Err(Refusal::NameTaken));
    extensions.close();
    assert_eq!(extensions.register("late", &[], id(2)), Err(Refusal::RegistrationClosed));
}

#[test]
fn there_are_ten_at_most() {
    let mut extensions = Extensions::default();
    for number in 0..EXTENSIONS_MAX {
        extensions.register(&format!("in{number}"), &[], id(1)).unwrap();
    }
    let refused = extensions.register("more", &[], id(1)).unwrap_err();
    assert_eq!(refused.to_string(), "Extension limit (10) reached");
    assert_eq!(extensions.launched("more", id(11)), Err(Refusal::TooManyExtensions));
    assert_eq!(Extensions::too_many(), "Extension.LaunchError");
}

#[test]
fn only_who_asked_for_invocations_is_told_and_waited_for() {
    let mut extensions = one_external(&["INVOKE"]);
    extensions.register("in", &[], id(2)).unwrap();
    for number in [1, 2] {
        extensions.next(id(number)).unwrap();
    }
    assert_eq!(extensions.take_invoke(), [id(1)]);
    assert!(!extensions.all_ready());
    assert_eq!(extensions.take_shutdown(), []);
    extensions.next(id(1)).unwrap();
    assert!(extensions.all_ready());
}

#[test]
fn the_end_is_told_once_however_often_an_extension_asks() {
    let mut extensions = one_external(&["INVOKE", "SHUTDOWN"]);
    extensions.next(id(1)).unwrap();
    assert_eq!(extensions.take_shutdown(), [id(1)]);
    extensions.next(id(1)).unwrap();
    assert_eq!(extensions.take_shutdown(), []);
}

#[test]
fn an_error_of_the_init_phase_is_told_before_the_first_event_only() {
    let mut extensions = one_external(&[]);
    extensions.next(id(1)).unwrap();
    let refused = extensions.init_error(id(1), "Extension.X").unwrap_err();
    assert!(refused.to_string().starts_with("State transition from Ready to InitError failed"), "{refused}");
    extensions.exit_error(id(1), "Extension.X").unwrap();
    // Told again it is accepted again; nothing else is.
    extensions.exit_error(id(1), "Extension.Y").unwrap();
    assert_eq!(extensions.get(id(1)).unwrap().error_type.as_deref(), Some("Extension.X"));
    let refused = extensions.next(id(1)).unwrap_err();
    assert!(refused.to_string().starts_with("State transition from ExitError to Ready failed"), "{refused}");
}

#[test]
fn an_extension_that_told_of_its_end_is_not_said_to_have_just_gone() {
    let mut extensions = one_external(&["INVOKE"]);
    extensions.init_error(id(1), "Extension.X").unwrap();
    extensions.init_error(id(1), "Extension.Y").unwrap();
    assert_eq!(
        extensions.exit_error(id(1), "x").unwrap_err().error_type(),
        "Extension.InvalidExtensionState"
    );
    assert_eq!(extensions.internal_error(), None);
    assert_eq!(extensions.lost(id(1), true), "Extension.InitError");
    let told = extensions.get(id(1)).unwrap();
    assert_eq!((told.state.name(), told.error_type.as_deref()), ("InitError", Some("Extension.X")));
    let mut extensions = one_external(&["INVOKE"]);
    extensions.next(id(1)).unwrap();
    extensions.take_invoke();
    let refused = extensions.init_error(id(1), "x").unwrap_err();
    assert!(
        refused.to_string().starts_with("State transition from Running to InitError failed"),
        "{refused}"
    );
    assert_eq!(extensions.lost(id(1), true), "Extension.Crash");
    assert_eq!(extensions.get(id(1)).unwrap().state.name(), "Exited");

    extensions.register("in", &[], id(2)).unwrap();
    extensions.exit_error(id(2), "Extension.X").unwrap();
    assert_eq!(extensions.internal_error(), Some("Extension.ExitError"));
    extensions.launched("none", id(3)).unwrap();
    assert_eq!(extensions.lost(id(3), false), "Extension.LaunchError");
}

#[test]
fn an_end_takes_the_steps_that_its_extensions_need() {
    use Step::{KillAll, KillRuntime, TellExtensions, TerminateRuntime};
    let begin = |kinds, runs| Shutdown::begin(ShutdownReason::Failure, kinds, runs);
    assert_eq!(begin((false, false), true).1, [KillAll]);
    assert_eq!(begin((false, true), false).1, [KillAll]);

    let (mut internal, steps) = begin((false, true), true);
    assert_eq!((steps, internal.runtime_millis()), (vec![TerminateRuntime], 500));
    assert_eq!(internal.runtime_gone(), [KillAll]);
    assert!(internal.is_done() && internal.time_passed().is_empty());

    let (mut external, steps) = begin((true, true), true);
    assert_eq!((steps, external.millis()), (vec![TerminateRuntime], 2_000));
    assert_eq!(external.runtime_share_passed(), [KillRuntime, TellExtensions]);
    assert!(external.runtime_gone().is_empty() && external.tells_extensions());
    assert_eq!(external.extensions_gone(), [KillAll]);

    let (mut crashed, steps) = begin((true, false), false);
    assert_eq!(steps, [TellExtensions]);
    assert_eq!(crashed.time_passed(), [KillAll]);
}
