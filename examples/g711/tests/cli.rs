//! The program as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use codec_g711::{alaw, transcode, ulaw};

fn g711(arguments: &[&str], files: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_g711"))
        .args(arguments)
        .args(files)
        .output()
        .expect("it starts")
}

fn succeeds(arguments: &[&str], files: &[&Path]) {
    let output = g711(arguments, files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn refusal(arguments: &[&str], files: &[&Path]) -> String {
    let output = g711(arguments, files);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn tone(length: usize) -> Vec<i16> {
    (0..length).map(|n| ((n as f64 * 0.21).sin() * 9000.0) as i16).collect()
}

fn little_endian(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file was written")
    }
}

/// A WAV file of the given format.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(channels * bits / 8)).to_le_bytes());
    bytes.extend((channels * bits / 8).to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn raw_files_go_through_the_library() {
    let folder = Folder::new();
    let pcm = tone(1001);
    let source = folder.with("in.raw", &little_endian(&pcm));
    for (law, encode, decode) in [
        (
            "a",
            alaw::encode as fn(&[i16], &mut [u8]) -> usize,
            alaw::decode as fn(&[u8], &mut [i16]) -> usize,
        ),
        ("u", ulaw::encode, ulaw::decode),
    ] {
        let mut codes = vec![0; pcm.len()];
        encode(&pcm, &mut codes);
        succeeds(&["encode", "--law", law], &[&source, &folder.path("codes")]);
        assert_eq!(folder.bytes("codes"), codes);

        let mut heard = vec![0; pcm.len()];
        decode(&codes, &mut heard);
        succeeds(&["decode", "--law", law], &[&folder.path("codes"), &folder.path("out.raw")]);
        assert_eq!(folder.bytes("out.raw"), little_endian(&heard));

        let mut others = vec![0; pcm.len()];
        if law == "a" {
            transcode::alaw_to_ulaw(&codes, &mut others);
        } else {
            transcode::ulaw_to_alaw(&codes, &mut others);
        }
        succeeds(&["transcode", "--law", law], &[&folder.path("codes"), &folder.path("others")]);
        assert_eq!(folder.bytes("others"), others);
    }
}

#[test]
fn wav_files_hold_samples_on_one_side_and_codes_on_the_other() {
    let folder = Folder::new();
    let pcm = tone(801);
    let source = folder.with("in.wav", &wav(1, 1, 8000, 16, &little_endian(&pcm)));
    succeeds(&["encode", "--law", "u"], &[&source, &folder.path("coded.wav")]);
    succeeds(&["transcode", "--law", "u"], &[&folder.path("coded.wav"), &folder.path("other.WAV")]);
    succeeds(&["decode", "--law", "a"], &[&folder.path("other.WAV"), &folder.path("out.wav")]);

    let (mut codes, mut heard) = (vec![0; pcm.len()], vec![0; pcm.len()]);
    ulaw::encode(&pcm, &mut codes);
    transcode::ulaw_to_alaw_in_place(&mut codes);
    alaw::decode(&codes, &mut heard);
    let written = folder.bytes("out.wav");
    assert_eq!(written[..4], *b"RIFF");
    assert_eq!(written.len(), 44 + 2 * pcm.len());
    assert_eq!(written[44..], little_endian(&heard));
    // The odd number of codes is padded, and the length says so.
    let coded = folder.bytes("coded.wav");
    assert_eq!(coded.len() % 2, 0);
    assert_eq!(
        u32::from_le_bytes([coded[4], coded[5], coded[6], coded[7]]) as usize,
        coded.len() - 8
    );
}

#[test]
fn lost_frames_are_concealed_and_the_rest_stays() {
    let folder = Folder::new();
    let pcm = tone(8000);
    let source = folder.with("in.raw", &little_endian(&pcm));
    succeeds(&["encode", "--law", "a"], &[&source, &folder.path("codes")]);
    succeeds(&["decode", "--law", "a"], &[&folder.path("codes"), &folder.path("clean.raw")]);
    let mut marks = "0\n".repeat(50);
    marks.replace_range(40..41, "1");
    let loss = folder.with("loss.txt", marks.as_bytes());
    let loss = loss.to_str().expect("plain name");
    for mode in ["two-sided", "appendix-i"] {
        succeeds(
            &["plc", "--law", "a", "--loss", loss, "--mode", mode],
            &[&folder.path("codes"), &folder.path("heard.raw")],
        );
        let (clean, heard) = (folder.bytes("clean.raw"), folder.bytes("heard.raw"));
        assert_eq!(clean.len(), heard.len());
        // Frame 20 is lost; its seams reach into the frames beside it.
        assert_eq!(clean[..19 * 320], heard[..19 * 320]);
        assert_eq!(clean[22 * 320..], heard[22 * 320..]);
        assert_ne!(clean[20 * 320..21 * 320], heard[20 * 320..21 * 320]);
        assert!(heard[20 * 320..21 * 320].iter().any(|byte| *byte != 0));
    }

    succeeds(&["plc", "--law", "a"], &[&folder.path("codes"), &folder.path("heard.raw")]);
    assert_eq!(folder.bytes("clean.raw"), folder.bytes("heard.raw"));
    // The same from a WAV file of samples, and with the pattern of G.192.
    let source = folder.with("in.wav", &wav(1, 1, 8000, 16, &little_endian(&pcm)));
    succeeds(&["plc", "--law", "a"], &[&source, &folder.path("heard.raw")]);
    assert_eq!(folder.bytes("clean.raw"), folder.bytes("heard.raw"));
    let pattern = folder.with("p.g192", &[0x21, 0x6B, 0x21, 0x6B, 0x20, 0x6B]);
    let pattern = pattern.to_str().expect("plain name");
    let output = g711(
        &["plc", "--law", "a", "--frame", "10", "--loss", pattern],
        &[&folder.path("codes"), &folder.path("heard.raw")],
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("33 of 100 frames of 10 ms"));
}

#[test]
fn what_cannot_be_done_is_refused_with_what_to_do() {
    let folder = Folder::new();
    let stereo = folder.with("stereo.wav", &wav(1, 2, 44100, 16, &[0; 8]));
    let message = refusal(&["encode", "--law", "a"], &[&stereo, &folder.path("x")]);
    assert!(message.contains("44100 Hz, 2 channel(s)") && message.contains("sox"), "{message}");

    let alaw = folder.with("alaw.wav", &wav(6, 1, 8000, 8, &[0xD5; 8]));
    let message = refusal(&["decode", "--law", "u"], &[&alaw, &folder.path("x")]);
    assert!(message.contains("use --law a"), "{message}");
    let message = refusal(&["encode", "--law", "a"], &[&alaw, &folder.path("x")]);
    assert!(message.contains("decode"), "{message}");

    let odd = folder.with("odd.raw", &[1, 2, 3]);
    let message = refusal(&["encode", "--law", "a"], &[&odd, &folder.path("x")]);
    assert!(message.contains("odd number of bytes"), "{message}");

    let fake = folder.with("fake.wav", b"hello");
    let message = refusal(&["decode", "--law", "a"], &[&fake, &folder.path("x")]);
    assert!(message.contains("not a WAV file"), "{message}");

    let cut = folder.with("cut.wav", &wav(6, 1, 8000, 8, &[0xD5; 8])[..40]);
    let message = refusal(&["decode", "--law", "a"], &[&cut, &folder.path("x")]);
    assert!(message.contains("not a whole WAV file"), "{message}");

    let loss = folder.with("loss.txt", b"0\n0 1\n2\n");
    let loss = loss.to_str().expect("plain name");
    let message = refusal(&["plc", "--law", "a", "--loss", loss], &[&alaw, &folder.path("x")]);
    assert!(message.contains("line 3: '2'"), "{message}");

    let message = refusal(&["decode", "--law", "a"], &[&folder.path("none"), &folder.path("x")]);
    assert!(message.contains("cannot read"), "{message}");
}
