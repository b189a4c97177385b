//! Measures every alternative, and prints what BENCHMARKS.md holds; `--write` puts it there.
//!
//! Callgrind counts the instructions of a whole process, so this binary calls itself under it,
//! once with a short loop and once with a long one: the difference is free of start and end. The time
//! is the least of many rounds, in which the alternatives take turns.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    hint::black_box,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alternatives::{
    ALTERNATIVES, Alternative, BATCH_ALTERNATIVES,
    cases::{self, Case, Readers},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn main() -> Result<()> {
    let args: Vec<_> = env::args().skip(1).collect();
    if let [alternative, case, n] = &*args {
        return repeat(alternative, case, n.parse()?);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: benchmarks, valgrind is missing");
        return Ok(());
    }
    let measured = measured()?;
    if args == ["--write"] {
        let path = Path::new(ROOT).join("BENCHMARKS.md");
        let page = fs::read_to_string(&path)?;
        let mark = "<!-- measured: by the command under \"Method\" -->\n";
        let (head, _) = page.split_once(mark).ok_or("BENCHMARKS.md has lost its mark")?;
        fs::write(path, format!("{head}{mark}\n{measured}"))?;
    } else {
        print!("{measured}");
    }
    Ok(())
}

/// What callgrind runs.
fn repeat(alternative: &str, case: &str, n: u32) -> Result<()> {
    let mut alternatives = ALTERNATIVES.iter().chain(BATCH_ALTERNATIVES);
    let (_, alternative) =
        alternatives.find(|(name, _)| *name == alternative).ok_or("no such alternative")?;
    let case = cases::all().into_iter().find(|other| other.name == case).ok_or("no such case")?;
    let (status, body) = case.response();
    read(*alternative, status, &body, n);
    Ok(())
}

fn read(alternative: Alternative, status: u16, body: &[u8], n: u32) {
    for _ in 0..n {
        alternative(black_box(status), black_box(body), &mut |answer| {
            black_box(answer);
        });
    }
}

/// All that the last part of BENCHMARKS.md holds.
fn measured() -> Result<String> {
    let rows = |readers: Readers| -> Result<Vec<Row>> {
        let cases = cases::all().into_iter().filter(|case| case.readers == readers);
        cases.map(|case| Row::measure(&case)).collect()
    };
    let mut out = String::new();
    let singles = rows(Readers::Alternatives)?;
    let batches = rows(Readers::BatchAlternatives)?;

    writeln!(out, "## In short\n")?;
    writeln!(
        out,
        "This crate's instructions / time, divided by the alternative's: below 1, this crate is faster.\n"
    )?;
    writeln!(out, "| responses | typed | hand-written | same job | value |")?;
    writeln!(out, "|---|---:|---:|---:|---:|")?;
    let is_short = |row: &&Row| row.len <= 512;
    let is_success = |row: &&Row| row.case.starts_with("success");
    let groups: [(&str, Vec<&Row>); 4] = [
        ("short successes", singles.iter().filter(is_short).filter(is_success).collect()),
        (
            "successes with 1,600 bytes of text",
            singles.iter().filter(|row| !is_short(row)).collect(),
        ),
        ("error responses", singles.iter().filter(|row| !is_success(row)).collect()),
        ("batches", batches.iter().collect()),
    ];
    for (name, group) in groups {
        write!(out, "| {name} |")?;
        for other in ["typed", "hand-written", "same job", "value"] {
            match ratios(&group, other) {
                Some((instructions, time)) => {
                    write!(out, " {instructions} / {time} |")?;
                }
                None => write!(out, " |")?,
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "\n## Single sends: instructions / nanoseconds\n")?;
    write_table(&mut out, ALTERNATIVES, &singles)?;
    writeln!(out, "\n## Batches: instructions / nanoseconds\n")?;
    write_table(&mut out, BATCH_ALTERNATIVES, &batches)?;
    writeln!(out, "\n## How it grows: this crate only\n")?;
    write_growth(&mut out, &rows(Readers::ThisCrate)?)?;
    writeln!(out, "\n## Versions and machine\n")?;
    write_versions(&mut out)?;
    Ok(out)
}

/// A case, and what each of its readers took.
struct Row {
    case: String,
    len: usize,
    costs: Vec<Cost>,
}

struct Cost {
    alternative: &'static str,
    instructions: f64,
    nanoseconds: f64,
}

impl Row {
    fn measure(case: &Case) -> Result<Self> {
        let (status, body) = case.response();
        let alternatives = case.readers.alternatives();
        let times = times(alternatives, status, &body);
        let cost = |((alternative, _), nanoseconds): (&(&'static str, Alternative), f64)| {
            let instructions = instructions(alternative, case)?;
            Ok(Cost { alternative, instructions, nanoseconds })
        };
        let costs = alternatives.iter().zip(times).map(cost).collect::<Result<_>>()?;
        Ok(Self { case: case.name.clone(), len: body.len(), costs })
    }

    /// The cost of the alternative of this name, for batches, too.
    fn of(&self, name: &str) -> Option<&Cost> {
        self.costs.iter().find(|cost| {
            cost.alternative.strip_suffix(", batch").unwrap_or(cost.alternative) == name
        })
    }
}

/// The least and the most that this crate takes of what another takes: of instructions, and of time.
fn ratios(rows: &[&Row], other: &str) -> Option<(String, String)> {
    let range = |cost: fn(&Cost) -> f64| {
        let ratio = |row: &&Row| Some(cost(row.of("this crate")?) / cost(row.of(other)?));
        let ratios = rows.iter().map(ratio).collect::<Option<Vec<_>>>()?;
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        Some(format!("{least:.2} to {most:.2}"))
    };
    Some((range(|cost| cost.instructions)?, range(|cost| cost.nanoseconds)?))
}

fn write_table(out: &mut String, alternatives: &[(&str, Alternative)], rows: &[Row]) -> Result<()> {
    write!(out, "| case | bytes |")?;
    for (name, _) in alternatives {
        write!(out, " {name} |")?;
    }
    writeln!(out, "\n|---|---:|{}", "---:|".repeat(alternatives.len()))?;
    for Row { case, len, costs } in rows {
        write!(out, "| {case} | {len} |")?;
        for Cost { instructions, nanoseconds, .. } in costs {
            write!(out, " {instructions:.0} / {nanoseconds:.0} |")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Fails where a byte of a long body costs 5 percent more than one of a short body: that is not linear.
#[expect(clippy::cast_precision_loss, reason = "a body's length is far below 2^52")]
fn write_growth(out: &mut String, rows: &[Row]) -> Result<()> {
    writeln!(out, "| case | bytes | instructions | per byte | nanoseconds |")?;
    writeln!(out, "|---|---:|---:|---:|---:|")?;
    let mut shorter = None;
    for row in rows {
        let Cost { instructions, nanoseconds, .. } = row.of("this crate").ok_or("not measured")?;
        let per_byte = instructions / row.len as f64;
        writeln!(
            out,
            "| {} | {} | {instructions:.0} | {per_byte:.2} | {nanoseconds:.0} |",
            row.case, row.len
        )?;
        let shape = row.case.split_once(',').map(|(shape, _)| shape);
        if shorter.is_some_and(|(known, cost)| known == shape && per_byte > cost * 1.05) {
            return Err(format!("{} costs more per byte than the shorter one", row.case).into());
        }
        shorter = Some((shape, per_byte));
    }
    Ok(())
}

/// By the lock file, the compiler, valgrind and the processor.
fn write_versions(out: &mut String) -> Result<()> {
    let lock = fs::read_to_string(Path::new(ROOT).join("Cargo.lock"))?;
    let version = |name: &str| {
        let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("`{name}` {}", package.split_once('"')?.0))
    };
    let crates = ["serde", "serde_json", "sonic-rs", "regex"].into_iter().filter_map(version);
    let says = |program: &str| -> Result<String> {
        let output = Command::new(program).arg("--version").output()?;
        let words = String::from_utf8(output.stdout)?;
        Ok(words.split(" (").next().unwrap_or_default().trim().to_owned())
    };
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    writeln!(
        out,
        "{}; {}, release profile; {}; {}.",
        crates.collect::<Vec<_>>().join(", "),
        says("rustc")?,
        says("valgrind")?,
        model.map_or("unknown processor", |(_, model)| model)
    )?;
    Ok(())
}

/// The nanoseconds of one reading by each alternative: the least of many rounds.
fn times(alternatives: &[(&str, Alternative)], status: u16, body: &[u8]) -> Vec<f64> {
    const ROUNDS: u32 = 200;
    const ROUND: Duration = Duration::from_micros(200);
    let timed = |alternative, n| {
        let start = Instant::now();
        read(alternative, status, body, n);
        start.elapsed()
    };
    let loops: Vec<_> = alternatives
        .iter()
        .map(|(_, alternative)| {
            // The first reading warms up.
            let once = timed(*alternative, 1).min(timed(*alternative, 1)).as_nanos().max(1);
            u32::try_from(ROUND.as_nanos() / once).unwrap_or(u32::MAX).max(1)
        })
        .collect();
    let mut least = vec![f64::INFINITY; alternatives.len()];
    // A long body needs fewer rounds.
    let rounds = if body.len() < 1 << 18 { ROUNDS } else { 10 };
    for _ in 0..rounds {
        for (((_, alternative), n), least) in alternatives.iter().zip(&loops).zip(&mut least) {
            let time = timed(*alternative, *n).as_secs_f64() * 1e9 / f64::from(*n);
            *least = least.min(time);
        }
    }
    least
}

/// The instructions of one reading.
fn instructions(alternative: &str, case: &Case) -> Result<f64> {
    // A long body needs no long loop, and would take one too long.
    let (short, long) = if case.response().1.len() < 1 << 14 { (100, 1100) } else { (1, 3) };
    // Side by side: what runs beside it changes no count.
    let (short_run, long_run) =
        (counted(alternative, case, short)?, counted(alternative, case, long)?);
    Ok((collected(long_run)? - collected(short_run)?) / f64::from(long - short))
}

/// A process that reads the response `n` times, under callgrind.
fn counted(alternative: &str, case: &Case, n: u32) -> Result<Child> {
    let child = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([alternative, &case.name, &n.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(child)
}

fn collected(child: Child) -> Result<f64> {
    let output = child.wait_with_output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report.split_once("Collected : ").and_then(|(_, rest)| rest.lines().next());
    match collected.filter(|_| output.status.success()) {
        Some(count) => Ok(count.trim().parse()?),
        None => Err(format!("callgrind failed: {report}").into()),
    }
}
