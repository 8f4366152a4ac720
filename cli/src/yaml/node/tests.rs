//! Documents as people write them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn documents_keep_their_lines_and_tags() {
    let documents = read("a: 1\n---\nb:\n  - x\n  - !Sub '${A}'\n---\n").unwrap();
    assert_eq!(documents[0].to_json(), json!({"a": 1}));
    assert_eq!(documents[1].line_of(["b", "1"]), 5);
    assert_eq!(documents[1].line_of(["b", "nothing"]), 3);
    let Content::List(items) = &documents[1].get("b").unwrap().content else { panic!() };
    assert_eq!(items[1].tag.as_deref(), Some("Sub"));
    assert!(documents[2].is_null());
}

#[test]
fn bare_words_are_what_kubernetes_takes_them_for() {
    let read = read("{a: no, b: 'no', c: on, d: 010, e: ~, f: 1.5, g: !!str 1, no: x}").unwrap();
    assert_eq!(
        read[0].to_json(),
        json!({"a": false, "b": "no", "c": true, "d": 8, "e": null, "f": 1.5, "g": "1", "false": "x"})
    );
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    assert_eq!(read("a: 1\nb: 2\na: 3\n").unwrap_err().line, 3);
    assert_eq!(read("a: [1\nb: 2\n").unwrap_err().line, 2);
    let bomb: String = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned())
        .chain((1..9).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","))))
        .collect();
    assert!(read(&bomb).unwrap_err().message.contains("more than"));
}

#[test]
fn anchors_and_merges_are_followed() {
    let read = read("base: &b {x: 1, z: 2}\nuse:\n  z: 3\n  <<: *b\n").unwrap();
    assert_eq!(read[0].to_json()["use"], json!({"x": 1, "z": 3}));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[-a:{}\\[\\]&*!|>'\"#\\n ]{0,60}") {
        drop(read(&text));
    }
}
