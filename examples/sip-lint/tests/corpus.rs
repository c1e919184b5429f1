//! The shared corpora: what their manifest says.

mod common;

use std::path::Path;

use common::{corpus, verdicts};
use serde_json::Value;

/// Messages that are not just accepted: verdict, and status or 0.
const RFC_4475: &[(&str, &str, u64)] = &[
    ("badaspec", "reject", 400),
    ("badbranch", "reject", 400),
    ("baddn", "reject", 400),
    ("baddn-with-final-crlf", "reject", 400),
    ("badinv01", "reject", 400),
    ("badvers", "reject", 505),
    ("bcast", "reject", 0),
    ("bext01", "accept", 420),
    ("bigcode", "reject", 0),
    ("clerr", "reject", 400),
    ("esc02", "accept", 501),
    ("escruri", "reject", 400),
    ("insuf", "reject", 400),
    ("intmeth", "accept", 501),
    ("invut", "accept", 415),
    ("ltgtruri", "reject", 400),
    ("lwsruri", "reject", 400),
    ("lwsstart", "reject", 400),
    ("mcl01", "reject", 400),
    ("mismatch01", "reject", 400),
    ("mismatch02", "accept", 501),
    ("multi01", "reject", 400),
    ("ncl", "reject", 400),
    ("novelsc", "accept", 416),
    ("quotbal", "reject", 400),
    ("regbadct", "reject", 400),
    ("scalar02", "reject", 400),
    ("scalarlg", "reject", 0),
    ("sdp01", "accept", 406),
    ("trws", "reject", 400),
    ("unkscm", "accept", 416),
    ("unksm2", "reject", 400),
    // An INVITE with a To tag, and there is no call.
    ("wsinv", "accept", 481),
];

/// The verdicts on all files of a folder, by the names of the files.
fn folder(corpus: &Path, name: &str, options: &[&str]) -> Vec<(String, Value)> {
    let mut files: Vec<_> =
        std::fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let arguments = options.iter().map(Into::into).chain(files.iter().cloned());
    let verdicts = verdicts(arguments, b"");
    assert_eq!(verdicts.len(), files.len(), "one line a file");
    let stem = |file: &std::path::PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    for (file, verdict) in files.iter().zip(&verdicts) {
        assert_eq!(verdict["file"], file.to_str().unwrap());
    }
    files.iter().map(stem).zip(verdicts).collect()
}

/// Name, verdict and status of those that are not just accepted.
fn remarkable(verdicts: &[(String, Value)]) -> Vec<(&str, &str, u64)> {
    verdicts
        .iter()
        .map(|(name, verdict)| {
            let status = verdict["status"].as_u64().unwrap_or(0);
            (name.as_str(), verdict["verdict"].as_str().unwrap(), status)
        })
        .filter(|(_, verdict, status)| (*verdict, *status) != ("accept", 0))
        .collect()
}

#[test]
fn rfc_4475_gets_the_codes_of_its_text() {
    let Some(corpus) = corpus() else { return };
    let verdicts = folder(&corpus, "rfc4475", &["--json"]);
    assert_eq!(verdicts.len(), 50);
    assert_eq!(remarkable(&verdicts), RFC_4475);
    for (name, verdict) in &verdicts {
        let code = verdict["code"].as_u64();
        let is_response = verdict["kind"] == "response";
        assert_eq!(code.is_some(), is_response, "{name}");
        assert_eq!(verdict["method"].is_null(), is_response, "{name}");
        // Whatever can be read survives writing.
        let is_unreadable = [
            "badvers", "bigcode", "clerr", "ltgtruri", "lwsruri", "lwsstart", "mcl01", "ncl",
            "trws",
        ];
        assert_eq!(verdict["roundtrip"], !is_unreadable.contains(&name.as_str()), "{name}");
        assert!(
            verdict["verdict"] == "accept" || !verdict["problems"].as_array().unwrap().is_empty(),
            "{name}: rejected, and no word why"
        );
    }
    let extra = folder(&corpus, "rfc4475-extra", &["--json"]);
    assert_eq!(remarkable(&extra), [("test", "reject", 400)]);
}

#[test]
fn rfc_5118_is_taken_as_it_says() {
    let Some(corpus) = corpus() else { return };
    let verdicts = folder(&corpus, "rfc5118", &["--json"]);
    assert_eq!(verdicts.len(), 12);
    assert_eq!(
        remarkable(&verdicts),
        [
            ("ipv6-bad", "reject", 400),
            // These are BYEs.
            ("mult-ip-in-header", "accept", 481),
            ("via-received-param-with-delim", "accept", 481),
        ]
    );
}

#[test]
fn flows_survive_writing() {
    let Some(corpus) = corpus() else { return };
    // The RFC prints these without a Via, or with a Refer-To that is only hinted at.
    let short = [
        "rfc3515-4.1_prototypical-refer-callflow-F1",
        "rfc3515-4.2_multiple-refers-in-a-dialog-F1",
    ];
    let mut count = 0;
    for rfc in ["rfc3327", "rfc3515", "rfc3665", "rfc4916", "rfc5626"] {
        for (name, verdict) in folder(&corpus, &format!("rfc-flows/{rfc}"), &["--json"]) {
            assert_eq!(verdict["roundtrip"], true, "{name}");
            if verdict["verdict"] == "reject" {
                let first = &verdict["problems"][0];
                let has_no_via = first["header"] == "Via" && first["text"] == "missing";
                assert!(has_no_via || short.contains(&name.as_str()), "{name}: {first}");
            }
            count += 1;
        }
    }
    assert_eq!(count, 227);
}

#[test]
fn advisories_do_what_is_stated() {
    let Some(corpus) = corpus() else { return };
    let verdicts = folder(&corpus, "own-regress", &["--json"]);
    let accepted: Vec<_> = verdicts
        .iter()
        .filter(|(_, verdict)| verdict["verdict"] == "accept")
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        accepted,
        [
            "AST-2017-003-zero-part",
            "AST-2018-003-fmtp",
            "CVE-2020-28361-header-smuggle",
            "CVE-2021-33056-odd-diversion",
            "CVE-2026-41416-ptime",
            "CVE-2026-57191-mwi-4096",
            "GHSA-64qc-auth-null",
            "GHSA-mrq5-identity-no-semicolon",
            "belle-585-candidate-300",
            "keepalive-double-crlf",
            "leading-crlf",
            "obs-fold-cl",
            "opensips-3589-lf-sdp",
            "sngrep-512-callid-4096",
            "sngrep-541-empty-warning",
            "via-maddr",
            "via-received-spoof",
            "ws-before-colon",
        ]
    );
    let of = |name: &str| &verdicts.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(of("AST-2018-002-pt-2p32")["status"], 400);
    assert_eq!(of("status-700")["code"], 700);
    assert_eq!(of("many-via-200")["problems"][0]["header"], "Via");
}

/// The rest of `sip-core/tests/sdp_corpus.rs` says why some differ from the manifest.
#[test]
fn descriptions_get_the_status_of_an_answerer_of_g711() {
    let Some(corpus) = corpus() else { return };
    let verdicts = folder(&corpus, "sdp/pjsua-sendto", &["--json", "--sdp"]);
    assert_eq!(verdicts.len(), 66);
    let rejected: Vec<_> = verdicts
        .iter()
        .filter(|(_, verdict)| verdict["verdict"] == "reject")
        .map(|(name, verdict)| (name.as_str(), verdict["status"].as_u64()))
        .collect();
    let bad = Some(400);
    assert_eq!(
        rejected,
        [
            ("pjsua-152_err_sdp_no_media", bad),
            ("pjsua-155_err_sdp_bad_syntax", bad),
            ("pjsua-156_err_sdp_bad_net_type", bad),
            ("pjsua-157_err_sdp_bad_addr_type", bad),
        ]
    );
    for (name, verdict) in &verdicts {
        assert_eq!(verdict["kind"], "sdp");
        let is_malformed = rejected.iter().skip(1).any(|(malformed, _)| malformed == name);
        assert_eq!(verdict["roundtrip"], !is_malformed, "{name}");
        if name.contains("video") && name.contains("err") || name.contains("fmtp") {
            assert_eq!(verdict["status"], 488, "{name}");
        }
    }
}
