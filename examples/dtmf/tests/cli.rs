//! The program as a user runs it.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use codec_g711::{alaw, ulaw};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

fn dtmf(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dtmf")).args(arguments).arg(file).output().expect("it starts")
}

fn succeeds(arguments: &[&str], file: &Path) -> String {
    let output = dtmf(arguments, file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn refusal(arguments: &[&str], file: &Path) -> String {
    let output = dtmf(arguments, file);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The digits of decode's lines; their times must be those expected, or 5 ms off.
fn digits(lines: &str, first: i32, step: i32, length: i32) -> String {
    let mut keys = String::new();
    for (n, line) in (0..).zip(lines.lines()) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [start, duration, key] = fields[..] else { panic!("{line:?}") };
        let (start, duration): (i32, i32) = (start.parse().unwrap(), duration.parse().unwrap());
        assert!((start - (first + n * step)).abs() <= 5, "{line:?}");
        assert!((duration - length).abs() <= 5, "{line:?}");
        keys += key;
    }
    keys
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file of these channels, each with the digits of `keys`: 60 ms, pauses of 60 ms, from 60 ms on.
    fn with(&self, name: &str, spec: WavSpec, channels: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut writer = WavWriter::create(&path, spec).unwrap();
        let rate = f64::from(spec.sample_rate);
        let longest = channels.iter().map(|keys| keys.len()).max().unwrap();
        let seconds = 0.12 * longest as f64 + 0.06;
        for n in 0..(seconds * rate) as usize {
            let t = n as f64 / rate;
            for keys in channels {
                let value = sample(keys, t);
                match spec.sample_format {
                    SampleFormat::Float => writer.write_sample(value as f32).unwrap(),
                    SampleFormat::Int => {
                        let scale = 2f64.powi(i32::from(spec.bits_per_sample) - 1);
                        writer.write_sample((value * scale) as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
        path
    }
}

/// -1 to 1.
fn sample(keys: &str, t: f64) -> f64 {
    const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    let slot = (t / 0.12) as usize;
    let Some(key) = keys.chars().nth(slot) else { return 0.0 };
    if t - 0.12 * slot as f64 >= 0.06 && key != ' ' {
        let pad = "123A456B789C*0#D".find(key).unwrap();
        0.2 * ((TAU * LOW[pad / 4] * t).sin() + (TAU * HIGH[pad % 4] * t).sin())
    } else {
        0.0
    }
}

const fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample, sample_format: SampleFormat::Int }
}

#[test]
fn what_is_encoded_is_decoded() {
    let folder = Folder::new();
    let file = folder.path("all.wav");
    let keys = "0123456789*#ABCD";
    succeeds(&["encode", keys], &file);
    let written = WavReader::open(&file).unwrap();
    assert_eq!(written.spec(), spec(1, 8_000, 16));
    assert_eq!(written.len(), 8 * (100 + 16 * 200));
    assert_eq!(digits(&succeeds(&["decode"], &file), 100, 200, 100), keys);

    succeeds(&["encode", "--tone", "40", "--pause", "40", "--low", "-36", "aa55"], &file);
    assert_eq!(
        digits(&succeeds(&["decode"], &file), 40, 80, 40),
        "",
        "27 dB of twist are too much"
    );
    succeeds(
        &["encode", "--tone", "40", "--pause", "40", "--low", "-36", "--high", "-37", "aa55"],
        &file,
    );
    assert_eq!(digits(&succeeds(&["decode"], &file), 40, 80, 40), "AA55");
    assert_eq!(succeeds(&["decode", "--min-level", "-30"], &file), "");
}

#[test]
fn fields_stand_apart_by_single_spaces() {
    let folder = Folder::new();
    let file = folder.path("one.wav");
    succeeds(&["encode", "5"], &file);
    let lines = succeeds(&["decode"], &file);
    let (start, duration) = (&lines[..3], &lines[4..lines.len() - 3]);
    assert_eq!(lines, format!("{start} {duration} 5\n"));
    assert!(duration.parse::<u32>().is_ok());
}

#[test]
fn every_rate_and_sample_format_is_read() {
    let folder = Folder::new();
    for rate in [6_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        let file = folder.with("rate.wav", spec(1, rate, 16), &["1590*D"]);
        assert_eq!(digits(&succeeds(&["decode"], &file), 60, 120, 60), "1590*D", "{rate} Hz");
    }
    for bits in [8, 24, 32] {
        let file = folder.with("bits.wav", spec(1, 8_000, bits), &["#2"]);
        assert_eq!(digits(&succeeds(&["decode"], &file), 60, 120, 60), "#2", "{bits} bits");
    }
    let float = WavSpec { sample_format: SampleFormat::Float, ..spec(1, 16_000, 32) };
    let file = folder.with("float.wav", float, &["C7"]);
    assert_eq!(digits(&succeeds(&["decode"], &file), 60, 120, 60), "C7");
}

#[test]
fn one_of_several_channels_is_chosen() {
    let folder = Folder::new();
    let file = folder.with("stereo.wav", spec(2, 8_000, 16), &["123", "9876"]);
    assert!(refusal(&["decode"], &file).contains("has 2 channels; name the one"));
    let chosen = |channel| digits(&succeeds(&["decode", "--channel", channel], &file), 60, 120, 60);
    assert_eq!((chosen("1"), chosen("2")), ("123".into(), "9876".into()));
    assert!(refusal(&["decode", "--channel", "3"], &file).contains("has channels 1 to 2"));
    assert!(refusal(&["decode", "--channel", "0"], &file).contains("has channels 1 to 2"));
}

#[test]
fn g711_is_read() {
    let folder = Folder::new();
    let pcm: Vec<i16> =
        (0..8_000).map(|n| (sample("4B 0", f64::from(n) / 8e3) * 32e3) as i16).collect();
    for (tag, encode) in [(6u16, alaw::encode as fn(&[i16], &mut [u8]) -> usize), (7, ulaw::encode)]
    {
        let mut codes = vec![0; pcm.len()];
        encode(&pcm, &mut codes);
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0".to_vec();
        bytes.extend(tag.to_le_bytes());
        bytes.extend([1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0]);
        bytes.extend(b"data\xff\xff\xff\xff");
        bytes.extend(&codes);
        let file = folder.path("g711.wav");
        std::fs::write(&file, bytes).unwrap();
        let keys: Vec<String> = succeeds(&["decode"], &file)
            .lines()
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(keys.concat(), "4B0");
    }
}

#[test]
fn misuse_is_explained() {
    let folder = Folder::new();
    let file = folder.path("none.wav");
    assert!(refusal(&["decode"], &file).contains("cannot read"));
    assert!(refusal(&["encode", "12x"], &file).contains("'x' is on no telephone"));
    assert!(refusal(&["encode", ""], &file).contains("no digits"));
    assert!(!file.exists());
    std::fs::write(&file, "no sound").unwrap();
    assert!(refusal(&["decode"], &file).contains("as a WAV file"));
    let slow = folder.with("slow.wav", spec(1, 4_000, 16), &["1"]);
    assert!(refusal(&["decode"], &slow).contains("6000 to 192000"));
}

#[test]
fn silence_has_no_digits() {
    let folder = Folder::new();
    let file = folder.with("silence.wav", spec(1, 8_000, 16), &["          "]);
    assert_eq!(succeeds(&["decode"], &file), "");
}
