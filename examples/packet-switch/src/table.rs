//! Counters as a table.

use packet_ring::batch::Counters;

use crate::run::Traffic;

/// Where tables are shown: one over the other on a terminal, one after the other elsewhere.
pub struct Screen {
    is_terminal: bool,
    lines: usize,
}

impl Screen {
    pub fn new(is_terminal: bool) -> Self {
        Self { is_terminal, lines: 0 }
    }

    pub fn show(&mut self, table: &str) {
        if self.is_terminal && self.lines > 0 {
            // Up, and clear to the end of the screen.
            print!("\x1b[{}A\x1b[J", self.lines);
        }
        println!("{table}");
        self.lines = table.lines().count() + 1;
    }
}

pub fn render(
    names: &[&str],
    up: &[bool],
    traffic: &[Traffic],
    counters: Counters,
    device: &[String],
) -> String {
    let mut text = format!(
        "{:<16} {:<5} {:>12} {:>14} {:>12} {:>14}\n",
        "interface", "link", "frames in", "bytes in", "frames out", "bytes out"
    );
    for ((name, up), traffic) in names.iter().zip(up).zip(traffic) {
        let link = if *up { "up" } else { "down" };
        let Traffic { frames_in, bytes_in, frames_out, bytes_out } = traffic;
        text += &format!(
            "{name:<16} {link:<5} {frames_in:>12} {bytes_in:>14} {frames_out:>12} {bytes_out:>14}\n"
        );
    }
    text += &format!(
        "lost: {} by the kernel, {} no buffer, {} too long, {} queue full, {} errors\n",
        counters.dropped,
        counters.starved + counters.truncated,
        counters.oversize,
        counters.send_full,
        counters.errors
    );
    for line in device {
        text += line;
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_each_interface() {
        let traffic = [Traffic { frames_in: 7, ..Traffic::default() }, Traffic::default()];
        let text = render(
            &["veth1", "veth2"],
            &[true, false],
            &traffic,
            Counters::default(),
            &["stations 3".to_owned()],
        );
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[1].starts_with("veth1            up               7"), "{text}");
        assert!(lines[2].contains("down") && lines[4] == "stations 3");
    }
}
