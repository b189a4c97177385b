//! Prints the instruction counts as a Markdown table.
//!
//! Callgrind counts the instructions of a whole process, so this binary calls itself under it,
//! once with a short loop and once with a long one: the difference is free of start and end.

use std::{env, error::Error, hint::black_box, process::Command};

use alternatives::{
    ALTERNATIVES, Alternative, BATCH_ALTERNATIVES,
    cases::{self, Case, Readers},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<_> = env::args().skip(1).collect();
    if let [alternative, case, n] = &*args {
        return repeat(alternative, case, n.parse()?);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: instruction table, valgrind is missing");
        return Ok(());
    }
    let cases = |readers| cases::all().into_iter().filter(move |case| case.readers == readers);
    beside_the_alternatives(ALTERNATIVES, cases(Readers::Alternatives))?;
    println!();
    beside_the_alternatives(BATCH_ALTERNATIVES, cases(Readers::BatchAlternatives))?;
    println!();
    by_size(cases(Readers::ThisCrate))
}

/// What callgrind runs.
fn repeat(alternative: &str, case: &str, n: u32) -> Result<()> {
    let mut alternatives = ALTERNATIVES.iter().chain(BATCH_ALTERNATIVES);
    let (_, alternative) =
        alternatives.find(|(name, _)| *name == alternative).ok_or("no such alternative")?;
    let case = cases::all().into_iter().find(|other| other.name == case).ok_or("no such case")?;
    let (status, body) = case.response();
    for _ in 0..n {
        alternative(black_box(status), black_box(&body), &mut |answer| {
            black_box(answer);
        });
    }
    Ok(())
}

fn beside_the_alternatives(
    alternatives: &[(&str, Alternative)],
    cases: impl Iterator<Item = Case>,
) -> Result<()> {
    print!("| case | bytes |");
    for (name, _) in alternatives {
        print!(" {name} |");
    }
    println!(" this crate / least |");
    println!("|---|{}", "---:|".repeat(alternatives.len() + 2));
    for case in cases {
        print!("| {} | {} |", case.name, case.response().1.len());
        let mut counts = Vec::new();
        for (name, _) in alternatives {
            let count = instructions(name, &case)?;
            print!(" {count:.0} |");
            counts.push((*name, count));
        }
        let of = |alternatives: &[&str]| {
            let counts = counts.iter().filter(|(name, _)| {
                alternatives.contains(&name.split_once(", batch").map_or(*name, |(name, _)| name))
            });
            counts.map(|(_, count)| *count).fold(f64::INFINITY, f64::min)
        };
        println!(" {:.2} |", of(&["this crate"]) / of(&["typed", "hand-written", "sonic"]));
    }
    Ok(())
}

/// Fails where a byte of a long body costs more than one of a short body: that is not linear.
#[expect(clippy::cast_precision_loss, reason = "a body's length is far below 2^52")]
fn by_size(cases: impl Iterator<Item = Case>) -> Result<()> {
    println!("| case (this crate only) | bytes | instructions | per byte |");
    println!("|---|---:|---:|---:|");
    let mut shorter = None;
    for case in cases {
        let len = case.response().1.len();
        let count = instructions("this crate", &case)?;
        let per_byte = count / len as f64;
        println!("| {} | {len} | {count:.0} | {per_byte:.2} |", case.name);
        let shape = case.name.split_once(',').map(|(shape, _)| shape.to_owned());
        if shorter.is_some_and(|(known, cost)| known == shape && per_byte > cost * 1.05) {
            return Err(format!("{} costs more a byte than the shorter one", case.name).into());
        }
        shorter = Some((shape, per_byte));
    }
    Ok(())
}

/// The instructions of one reading.
fn instructions(alternative: &str, case: &Case) -> Result<f64> {
    // A long body needs no long loop, and would take one too long.
    let (short, long) = if case.response().1.len() < 1 << 14 { (100, 1100) } else { (1, 5) };
    let difference = collected(alternative, case, long)? - collected(alternative, case, short)?;
    Ok(difference / f64::from(long - short))
}

/// The instructions of a process that reads the response `n` times.
fn collected(alternative: &str, case: &Case, n: u32) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([alternative, &case.name, &n.to_string()])
        .output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report.split_once("Collected : ").and_then(|(_, rest)| rest.lines().next());
    match collected.filter(|_| output.status.success()) {
        Some(count) => Ok(count.trim().parse()?),
        None => Err(format!("callgrind failed: {report}").into()),
    }
}
