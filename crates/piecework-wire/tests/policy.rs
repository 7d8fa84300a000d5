//! The payload policy by its words: what patterns let in, and what a refusal says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use piecework_wire::pickle::PatternError;
use piecework_wire::{Payload, Policy, Refused};

fn pickled(pickle: &[u8]) -> Payload {
    Payload::from_pickle(pickle).unwrap()
}

/// A pickle that is this name, by STACK_GLOBAL.
fn named(module: &str, name: &str) -> Payload {
    let mut pickle = b"\x80\x04".to_vec();
    for text in [module, name] {
        pickle.extend([0x8c, u8::try_from(text.len()).unwrap()]);
        pickle.extend(text.as_bytes());
    }
    pickle.extend(b"\x93.");
    pickled(&pickle)
}

fn refusal(policy: &Policy, payload: &Payload) -> String {
    policy.check(payload).unwrap_err().to_string()
}

#[test]
fn any_lets_everything_in() {
    let run = pickled(b"cos\nsystem\n(S'ls'\ntR.");
    assert_eq!(Policy::any().check(&run), Ok(()));
    assert_eq!(Policy::any().check(&pickled(b"\x80\x02\x82\x01.")), Ok(()));
    let still_any = Policy::any().allow("mypkg.*").unwrap();
    assert_eq!(still_any, Policy::any());
}

#[test]
fn an_exact_pattern_lets_in_one_class() {
    let policy = Policy::data().allow("mypkg.sub.Thing").unwrap();
    for (module, name) in [("mypkg.sub", "Thing"), ("mypkg", "sub.Thing")] {
        assert_eq!(policy.check(&named(module, name)), Ok(()), "{module} {name}");
    }
    for (module, name) in [
        ("mypkg.sub", "Thing2"),
        ("mypkg.sub", "Thin"),
        ("mypkg.sub", "Thing.method"),
        ("mypkg.sub", "Other"),
        ("mypkg", "Thing"),
        ("xmypkg.sub", "Thing"),
    ] {
        assert!(policy.check(&named(module, name)).is_err(), "{module} {name}");
    }
}

#[test]
fn a_module_pattern_lets_in_what_stands_at_the_top_of_modules() {
    let policy = Policy::data().allow("mypkg.*").unwrap();
    for (module, name) in [("mypkg", "Thing"), ("mypkg.sub.deep", "Thing")] {
        assert_eq!(policy.check(&named(module, name)), Ok(()), "{module} {name}");
    }
    for (module, name) in [
        ("mypkg", "os.system"),
        ("mypkg", "Outer.Inner"),
        ("mypkgs", "Thing"),
        ("os", "mypkg.Thing"),
        ("", "mypkg.Thing"),
    ] {
        assert!(policy.check(&named(module, name)).is_err(), "{module} {name}");
    }
}

#[test]
fn a_pattern_is_compared_with_what_is_imported() {
    // A package of one's own named `commands`: Python 3 imports `subprocess` in its place when the
    // pickle is of protocol 2 or less.
    let policy = Policy::data().allow("commands.*").unwrap();
    let refused = refusal(&policy, &pickled(b"\x80\x02ccommands\ngetoutput\n."));
    assert!(refused.starts_with("subprocess.getoutput is not let in"), "{refused}");
    assert_eq!(policy.check(&pickled(b"\x80\x03ccommands\ngetoutput\n.")), Ok(()));
}

#[test]
fn patterns_that_cannot_be_meant_are_explained() {
    let error = |pattern: &str| Policy::data().allow(pattern).unwrap_err();
    assert_eq!(error("*"), PatternError::Everything);
    assert_eq!(
        error("Thing").to_string(),
        "the pattern 'Thing' names no module; hint: write 'mypkg.Thing', or 'Thing.*' for a module"
    );
    for pattern in ["", ".*", "mypkg.", "mypkg.*.Thing", "my pkg.*", "mypkg*", ".Thing", "*.Thing"]
    {
        assert_eq!(error(pattern), PatternError::Form(pattern.to_owned()));
    }
}

#[test]
fn a_refusal_names_what_it_is_and_the_flag_that_lets_it_in() {
    let data = Policy::data();
    assert_eq!(
        refusal(&data, &named("mypkg", "Outer.Inner")),
        "mypkg.Outer.Inner is not let in by the payload policy `data`; hint: `--allow-class \
         'mypkg.Outer.Inner'` lets it in, for anybody who has the key, with any arguments"
    );
    assert_eq!(
        refusal(&data, &pickled(b"\x80\x02\x83\x07\x01.")),
        "extension code 263 is not let in by the payload policy `data`, for what it stands for \
         cannot be known; hint: `--payloads any` lets everything in"
    );
    let made_up = refusal(&data, &pickled(b"c\x1b[2J\nx'; rm\n."));
    assert!(made_up.starts_with(r#""\u{1b}[2J", as a name, is not let in"#), "{made_up}");
    let long = "x".repeat(5_000);
    let long = refusal(&data, &pickled(format!("cmypkg\n{long}\n.").as_bytes()));
    assert!(long.len() < 300, "{long}");
}

#[test]
fn what_a_refusal_advises_lets_the_payload_in() {
    for (module, name) in [("mypkg", "Thing"), ("mypkg", "Outer.Inner"), ("__main__", "Task")] {
        let payload = named(module, name);
        let Err(Refused::Class { name }) = Policy::data().check(&payload) else {
            panic!("{module} is not on the list");
        };
        assert_eq!(Policy::data().allow(&name).unwrap().check(&payload), Ok(()));
    }
    // What is refused of numpy by its use: here, a dtype that is made of anything.
    let dtype = pickled(b"cnumpy\ndtype\n(S'O'\ntR.");
    assert_eq!(Policy::data().check(&dtype), Err(Refused::Numpy));
    assert_eq!(Policy::data().allow("numpy.*").unwrap().check(&dtype), Ok(()));
}

#[test]
fn an_allowed_class_still_cannot_be_changed() {
    let policy = Policy::data().allow("mypkg.*").unwrap();
    let changed = pickled(b"\x80\x02cmypkg\nThing\nN}X\x01\0\0\0aNs\x86b.");
    assert_eq!(policy.check(&changed), Err(Refused::ClassChanged));
    let instance_changed = pickled(b"\x80\x02cmypkg\nThing\n)\x81}X\x01\0\0\0aNsb.");
    assert_eq!(policy.check(&instance_changed), Ok(()));
}

#[test]
fn stored_bytes_that_are_no_payload_are_refused() {
    let stored = |bytes: &'static [u8]| Payload::from_bytes(bytes.into()).unwrap();
    for bytes in [
        &b"\x04"[..],
        b"\x04NN",
        b"\x04h\x00",
        b"\x04Nq\x00",
        b"\x04\x93",
        b"\x04N(",
        b"\x04N.",
        b"\x0410",
    ] {
        assert!(Policy::data().check(&stored(bytes)).is_err(), "{bytes:?}");
    }
}

#[test]
fn the_built_in_list_says_why() {
    for (module, name, worst) in Policy::built_in() {
        assert!(worst.len() > 5, "{module}.{name} has no reason");
    }
    assert!(Policy::built_in().any(|(module, name, _)| (module, name) == ("uuid", "UUID")));
}
