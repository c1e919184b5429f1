//! Contenders that take turns.

/// One of those compared: what it is called, and a turn that returns its cost per item in nanoseconds.
pub struct Contender<'a> {
    name: String,
    turn: Box<dyn FnMut() -> f64 + 'a>,
    least: f64,
}

pub fn contender<'a>(name: impl Into<String>, turn: impl FnMut() -> f64 + 'a) -> Contender<'a> {
    Contender { name: name.into(), turn: Box::new(turn), least: f64::MAX }
}

/// Lets the contenders take `turns` turns each and prints a table; returns the least of each.
pub fn measure(title: &str, turns: usize, mut contenders: Vec<Contender<'_>>) -> Vec<f64> {
    for _ in 0..turns {
        for contender in &mut contenders {
            contender.least = contender.least.min((contender.turn)());
        }
    }
    let unit = contenders[0].least;
    println!("\n### {title}\n");
    println!("| | ns | times the first |");
    println!("|---|---|---|");
    for Contender { name, least, .. } in &contenders {
        println!("| {name} | {least:.1} | {:.2} |", least / unit);
    }
    contenders.iter().map(|contender| contender.least).collect()
}

/// Prints a goal and whether it was reached.
pub fn goal(what: &str, reached: bool, value: String) {
    println!("- {what}: {value} - {}", if reached { "reached" } else { "**missed**" });
}

/// Numbers that look random (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        ((self.next() >> 32) * end) >> 32
    }
}
