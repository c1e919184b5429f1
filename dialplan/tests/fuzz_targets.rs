//! The fuzz targets on seeds, on mutations of them and on what hostile people send.
#![cfg(feature = "toml")]

mod fuzz;

use proptest::prelude::*;

const SEEDS: [&str; 12] = [
    "_8[49]95XXXXXXX\n_8.\n100/_5X\n84951234567",
    "_9!\n_9XX\n_X.\n_[9-1]\n_[]1\n91",
    "_1[]\n_1[]!\n_aX\n_bX\nfax\n1",
    "[internal]\nexten => _1XX,1(x),Dial(PJSIP/${EXTEN:1})\n same => n,Hangup()\ninclude => a|9:00-17:00\n",
    "[a](!)\nexten => s,1,NoOp\n[b](a,+)\n;-- x\n--;\n#include \"b\"\n",
    "8 (495) 123-45-67 доб. 101",
    "tel:+7-495-123-45-67;ext=101;phone-context=+7",
    "1.2.3.e164.arpa",
    "98{national}{e164}${EXTEN:-4:2}",
    "prefix,destination,rate_per_min,increment,hours,days\n7495,\"Moscow, city\",1.5,60/60,09:00-18:00,mon-fri\n",
    include_str!("plans/good.toml"),
    include_str!("plans/faulty.toml"),
];

fn feed(data: &[u8]) {
    fuzz::pattern(data);
    fuzz::plan_file(data);
    fuzz::extensions_conf(data);
    fuzz::number(data);
    fuzz::csv(data);
}

#[test]
fn seeds() {
    SEEDS.iter().for_each(|seed| feed(seed.as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutations(
        seed in prop::sample::select(SEEDS.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut data = seed.as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at.index(data.len().max(1)).min(data.len().saturating_sub(1));
            match kind {
                0 => data.insert(at, byte),
                1 if !data.is_empty() => { data.remove(at); }
                2 if !data.is_empty() => data[at] = byte & 0x7F,
                _ => data.extend_from_within(at..),
            }
        }
        feed(&data);
    }

    #[test]
    fn keys_of_a_telephone(text in "(_?[0-9XZN.!\\[\\]*#+/a-c-]{0,12}\n){0,8}[0-9*#+-]{0,20}") {
        fuzz::pattern(text.as_bytes());
    }
}

/// A megabyte of one thing and another: answered at once, with an error that says where.
#[test]
fn a_megabyte_of_anything() {
    for unit in [
        "_",
        "1",
        "X",
        "[",
        "[0-",
        "!",
        ".",
        "-",
        "+",
        "${",
        "a,",
        "\"",
        "\n",
        "[a]\n",
        "é",
        "#include x\n",
    ] {
        feed(unit.repeat((1 << 20) / unit.len()).as_bytes());
    }
    let pattern = format!("_[{}", "0-".repeat(1 << 19));
    assert!(
        dialplan::pattern::Pattern::parse(&pattern).unwrap_err().to_string().contains("position")
    );
    let number = "1".repeat(1 << 20);
    let error = dialplan::number::Profile::russia().normalise(&number).unwrap_err();
    assert!(error.to_string().contains("position"), "{error}");
}
