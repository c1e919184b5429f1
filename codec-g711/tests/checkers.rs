//! The kernel tests once more: under AddressSanitizer, under valgrind and, for NEON, under an emulator. What
//! the machine lacks is skipped, visibly.
#![cfg(not(miri))]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The test files that force every kernel.
const SUITES: [&str; 2] = ["kernels", "audio_kernels"];

struct Compiler {
    program: OsString,
    arguments: Vec<String>,
}

impl Compiler {
    fn new(program: impl Into<OsString>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self { program: program.into(), arguments }
    }

    fn stable() -> Self {
        Self::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()), &[])
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.program)
            .args(&self.arguments)
            .args(arguments)
            // The suites ask for it when they are compiled.
            .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
            // Set by cargo for its own compiler; another toolchain's would look in the wrong place.
            .env_remove("RUSTUP_TOOLCHAIN")
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    /// Whether it has a standard library for what it compiles to.
    fn works(&self) -> bool {
        let found = Command::new(&self.program)
            .args(&self.arguments)
            .args(["--print", "target-libdir"])
            .env_remove("RUSTUP_TOOLCHAIN")
            .output();
        let Ok(found) = found else { return false };
        let folder = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim());
        found.status.success()
            && std::fs::read_dir(folder).is_ok_and(|files| {
                files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd"))
            })
    }

    /// Compiles the suites with optimisation; returns the programs.
    fn build(&self, name: &str) -> Vec<PathBuf> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder below target");
        let out = format!("--out-dir={}", folder.display());
        let common = ["--edition=2024", "-Copt-level=2", "-Cdebuginfo=1", &out];
        let source = manifest.join("src/lib.rs").display().to_string();
        let library = ["--crate-type=rlib", "--crate-name=codec_g711", &source];
        succeeded(&self.run(&[&common[..], &library].concat()));
        let external = format!("--extern=codec_g711={}/libcodec_g711.rlib", folder.display());
        SUITES
            .iter()
            .map(|suite| {
                let source = manifest.join(format!("tests/{suite}.rs")).display().to_string();
                let named = format!("--crate-name={suite}");
                let arguments = ["--test", &named, &external, &source];
                succeeded(&self.run(&[&common[..], &arguments].concat()));
                folder.join(suite)
            })
            .collect()
    }
}

fn succeeded(output: &Output) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{text}");
    text
}

fn finds(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs the suites; the first line of the first tells which kernels took part.
fn run(programs: &[PathBuf], through: &[&str]) -> String {
    let mut texts = String::new();
    for program in programs {
        let mut words = through.iter().map(OsString::from).collect::<Vec<_>>();
        words.push(program.into());
        words.push("--nocapture".into());
        let (first, rest) = words.split_first().expect("a program");
        let output = Command::new(first).args(rest).output().expect("it starts");
        texts += &succeeded(&output);
    }
    for line in texts.lines().filter(|line| line.contains("kernels: [")) {
        println!("{line}");
    }
    texts
}

#[test]
fn address_sanitizer_finds_nothing() {
    // The nightly compiler is reached through rustup only, by name.
    let nightly = Compiler::new("rustup", &["run", "nightly", "rustc", "-Zsanitizer=address"]);
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || !nightly.works() {
        println!("skipped: no nightly compiler for AddressSanitizer");
        return;
    }
    run(&nightly.build("address_sanitizer"), &[]);
}

#[test]
fn valgrind_finds_nothing() {
    if !finds("valgrind") {
        println!("skipped: no valgrind");
        return;
    }
    let programs = Compiler::stable().build("valgrind");
    let text = run(
        &programs,
        &["env", "KERNEL_TEST_OFFSETS=3", "valgrind", "--error-exitcode=9", "--quiet"],
    );
    // It simulates a processor without AVX-512, and the kernels notice.
    assert!(!text.contains("\"avx512\""), "{text}");
}

#[test]
fn neon_runs_under_an_emulator() {
    let linker = "-Clinker=aarch64-linux-gnu-gcc";
    let gnu = ["--target=aarch64-unknown-linux-gnu", "-Ctarget-feature=+crt-static", linker];
    let musl = ["--target=aarch64-unknown-linux-musl", "-Clinker=rust-lld"];
    let mut compilers = Vec::new();
    // A compiler elsewhere that has the target, and knows its linker.
    if let Some(program) = std::env::var_os("AARCH64_RUSTC") {
        compilers.push(Compiler::new(program, &["--target=aarch64-unknown-linux-gnu"]));
    }
    compilers.push(Compiler { arguments: musl.map(String::from).into(), ..Compiler::stable() });
    if finds("aarch64-linux-gnu-gcc") {
        compilers.push(Compiler { arguments: gnu.map(String::from).into(), ..Compiler::stable() });
    }
    let Some(compiler) = compilers.into_iter().find(Compiler::works) else {
        println!("skipped: no standard library for aarch64");
        return;
    };
    let emulator = ["qemu-aarch64-static", "qemu-aarch64"].into_iter().find(|name| finds(name));
    let through = if cfg!(target_arch = "aarch64") {
        Vec::new()
    } else if let Some(emulator) = emulator {
        vec![emulator]
    } else {
        println!("skipped: no emulator for aarch64");
        return;
    };
    let text = run(&compiler.build("neon"), &through);
    assert!(text.contains("\"neon\""), "{text}");
}
