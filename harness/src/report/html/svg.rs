//! How is a lane drawn?
//!
//! Shapes are told by classes, and colours by the page. An SVG is as wide as [`WIDTH`] and is stretched to the page;
//! text would be stretched with it, so it holds none but what a pointer shows.

use std::collections::BTreeMap;
use std::fmt::Write;

use failover_sim::time::Time;

use super::axis::{Axis, WIDTH};

/// How high a lane is, in pixels.
pub(super) const PITCH: u64 = 18;

/// How something stands, by its colour; in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tint {
    /// Not in use.
    Idle,
    /// As it should be.
    Good,
    /// As it should be, thanks to this node.
    Node(u8),
    /// On its way.
    Wait,
    /// It stands still.
    Cold,
    /// Not there.
    Gone,
    /// Refused because nobody listens, as in every failover.
    Shut,
    /// Wrong.
    Bad,
}

impl Tint {
    pub(super) fn class(self) -> String {
        match self {
            Self::Idle => "idle".to_owned(),
            Self::Good => "good".to_owned(),
            Self::Node(node) => format!("n{}", node % NODE_TINTS),
            Self::Wait => "wait".to_owned(),
            Self::Cold => "cold".to_owned(),
            Self::Gone => "gone".to_owned(),
            Self::Shut => "shut".to_owned(),
            Self::Bad => "bad".to_owned(),
        }
    }

    /// Top and height within a lane: what is not as it should be is seen without colour, too.
    const fn extent(self) -> (u64, u64) {
        match self {
            Self::Good | Self::Node(_) | Self::Bad | Self::Cold => (3, 12),
            Self::Wait | Self::Shut => (7, 8),
            Self::Gone => (11, 4),
            Self::Idle => (14, 1),
        }
    }
}

/// A stretch of time in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) tint: Tint,
    /// Another top and height than its colour's.
    pub(super) extent: Option<(u64, u64)>,
    /// What a pointer shows.
    pub(super) title: String,
}

/// Draws the bars of one lane whose top is at `top`.
pub(super) fn bars(svg: &mut String, axis: &Axis, top: u64, bars: &[Bar]) {
    if bars.len() <= TITLED_MAX {
        for bar in bars {
            let (x, width) = places(axis, bar);
            let (y, height) = bar.extent.unwrap_or(bar.tint.extent());
            let _ = write!(
                svg,
                r#"<rect class="{}" x="{x}" y="{}" width="{width}" height="{height}"><title>{}</title></rect>"#,
                bar.tint.class(),
                top + y,
                escaped(&bar.title),
            );
        }
        return;
    }
    // Too many to be told apart: columns, each with the worst that happened in it.
    let mut columns: BTreeMap<u64, Tint> = BTreeMap::new();
    for bar in bars {
        let (x, width) = places(axis, bar);
        for column in x / COLUMN..=(x + width - 1) / COLUMN {
            columns.entry(column).and_modify(|worst| *worst = bar.tint.max(*worst)).or_insert(bar.tint);
        }
    }
    let mut paths: BTreeMap<Tint, String> = BTreeMap::new();
    let mut run: Option<(u64, u64, Tint)> = None;
    for (column, tint) in columns.into_iter().map(|(column, tint)| (column, Some(tint))).chain([(0, None)]) {
        run = match (run, tint) {
            (Some((from, to, same)), Some(tint)) if same == tint && to == column => {
                Some((from, column + 1, same))
            }
            (ended, tint) => {
                if let Some((from, to, tint)) = ended {
                    let (y, height) = tint.extent();
                    let (x, width) = (from * COLUMN, (to - from) * COLUMN);
                    let path = paths.entry(tint).or_default();
                    let _ = write!(path, "M{x} {}h{width}v{height}h-{width}z", top + y);
                }
                tint.map(|tint| (column, column + 1, tint))
            }
        };
    }
    for (tint, path) in paths {
        let _ = write!(svg, r#"<path class="{}" d="{path}"/>"#, tint.class());
    }
}

fn places(axis: &Axis, bar: &Bar) -> (u64, u64) {
    let from = axis.place(bar.from);
    let width = axis.place(bar.to).saturating_sub(from).max(MARK_WIDTH);
    (from.min(WIDTH - width.min(WIDTH)), width)
}

/// Counts that change over time, drawn one above the other: at each moment, how many of each kind.
pub(super) fn areas<const KINDS: usize>(
    svg: &mut String,
    axis: &Axis,
    (top, height): (u64, u64),
    changes: &[(Time, [u32; KINDS])],
    (total, tints): (u32, [Tint; KINDS]),
) {
    // The last state in each column, and the state in force where nothing changes.
    let mut columns: BTreeMap<u64, [u32; KINDS]> = BTreeMap::new();
    for (moment, counts) in changes {
        columns.insert(axis.place(*moment) / AREA_COLUMN, *counts);
    }
    let scaled = |count: u32| u64::from(count) * height / u64::from(total.max(1));
    let mut lower = vec![0_u32; columns.len()];
    for (kind, tint) in tints.into_iter().enumerate() {
        let (mut there, mut back) = (String::new(), Vec::new());
        let mut columns = columns.iter().enumerate().peekable();
        while let Some((index, (column, counts))) = columns.next() {
            let x = column * AREA_COLUMN;
            let next = columns.peek().map_or(WIDTH, |(_, (column, _))| **column * AREA_COLUMN);
            let base = top + height - scaled(lower[index]);
            lower[index] += counts[kind];
            let upper = top + height - scaled(lower[index]);
            let _ = write!(there, "{}{x} {upper}H{next}", if index == 0 { "M" } else { "L" });
            back.push((x, next, base));
        }
        for (x, next, base) in back.into_iter().rev() {
            let _ = write!(there, "L{next} {base}H{x}");
        }
        if !there.is_empty() {
            let _ = write!(svg, r#"<path class="{}" d="{there}z"/>"#, tint.class());
        }
    }
}

/// A stretch of time over the whole height.
pub(super) fn shade(svg: &mut String, axis: &Axis, height: u64, class: &str, from: Time, to: Time) {
    let x = axis.place(from);
    let width = axis.place(to).saturating_sub(x).max(MARK_WIDTH);
    let _ = write!(svg, r#"<rect class="{class}" x="{x}" y="0" width="{width}" height="{height}"/>"#);
}

/// A moment over the whole height.
pub(super) fn line(svg: &mut String, height: u64, class: &str, x: u64) {
    let _ = write!(svg, r#"<path class="{class}" d="M{x} 0V{height}"/>"#);
}

/// The whole drawing.
pub(super) fn drawing(height: u64, label: &str, content: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height}" height="{height}" preserveAspectRatio="none" role="img" aria-label="{}">{content}</svg>"#,
        escaped(label)
    )
}

/// Text inside an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// How many node colours the page has.
pub(super) const NODE_TINTS: u8 = 6;

/// A lane with more bars is drawn in columns, without texts.
const TITLED_MAX: usize = 120;

/// The width of a moment.
const MARK_WIDTH: u64 = 12;

/// The width of a column of a crowded lane.
const COLUMN: u64 = 10;

/// The width of a column of stacked counts.
const AREA_COLUMN: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn axis() -> Axis {
        Axis::new(at(0), at(100), (0..100).map(at))
    }

    fn bar(from: u64, to: u64, tint: Tint) -> Bar {
        Bar { from: at(from), to: at(to), tint, extent: None, title: "a <b> & \"c\"".to_owned() }
    }

    #[test]
    fn a_bar_tells_what_it_is_and_escapes_it() {
        let mut svg = String::new();
        bars(&mut svg, &axis(), 18, &[bar(10, 20, Tint::Node(7))]);
        let expected = "<rect class=\"n1\" x=\"1000\" y=\"21\" width=\"1000\" height=\"12\">\
                        <title>a &lt;b&gt; &amp; &quot;c&quot;</title></rect>";
        assert_eq!(svg, expected);
    }

    #[test]
    fn many_bars_become_few_shapes_and_the_worst_stays_visible() {
        let many: Vec<Bar> = (0..100_u64)
            .flat_map(|second| {
                let worst = if second == 50 { Tint::Bad } else { Tint::Good };
                [bar(second, second + 1, Tint::Good), bar(second, second + 1, worst)]
            })
            .collect();
        let mut svg = String::new();
        bars(&mut svg, &axis(), 0, &many);
        let expected = "<path class=\"good\" d=\"M0 3h5000v12h-5000zM5100 3h4900v12h-4900z\"/>\
                        <path class=\"bad\" d=\"M5000 3h100v12h-100z\"/>";
        assert_eq!(svg, expected);
    }

    #[test]
    fn counts_are_stacked() {
        let changes = [(at(0), [4, 0]), (at(50), [1, 3])];
        let mut svg = String::new();
        areas(&mut svg, &axis(), (0, 40), &changes, (4, [Tint::Good, Tint::Gone]));
        let expected = "<path class=\"good\" d=\"M0 0H5000L5000 30H10000L10000 40H5000L5000 40H0z\"/>\
                        <path class=\"gone\" d=\"M0 0H5000L5000 0H10000L10000 30H5000L5000 0H0z\"/>";
        assert_eq!(svg, expected);
    }
}
