//! The calibration as an image: how the coverage of answerable and of held-out headings is distributed, and
//! what each threshold keeps and refuses.

use std::fmt::Write as _;

use knowledge::coverage::Point;

use super::Calibration;

/// Of the image, in pixels.
const WIDTH: f32 = 760.0;
const HEIGHT: f32 = 680.0;
/// Of both diagrams: their left edge, width and height.
const LEFT: f32 = 70.0;
const ACROSS: f32 = 660.0;
const HIGH: f32 = 210.0;
/// The upper edges.
const UPPER: f32 = 116.0;
const LOWER: f32 = 416.0;
/// Where the words above a diagram begin.
const LEGENDS: [f32; 2] = [LEFT, LEFT + 200.0];
/// Bars between coverage 0 and 1.
const BARS: u16 = 25;

const ANSWERABLE: &str = "#1f77b4";
const HELD_OUT: &str = "#d95f02";

pub(super) fn draw(calibration: &Calibration) -> String {
    let mut svg = String::new();
    write_all(&mut svg, calibration).expect("a string takes everything");
    svg
}

fn write_all(svg: &mut String, calibration: &Calibration) -> std::fmt::Result {
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n\
         <title>Coverage of headings, and the fitted threshold</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>"
    )?;
    text(svg, LEFT, 26.0, "start", 17, "When does the knowledge base support an answer?")?;
    let summary = format!(
        "{} headings of {} documents. Kept: {:.0} %. Refused without their own document: {:.0} %.",
        calibration.answerable.len(),
        calibration.documents,
        100.0 * calibration.kept,
        100.0 * calibration.refused
    );
    text(svg, LEFT, 48.0, "start", 13, &summary)?;
    distributions(svg, calibration)?;
    curve(svg, calibration)?;
    writeln!(svg, "</svg>")
}

/// The upper diagram: two sets of bars.
fn distributions(svg: &mut String, calibration: &Calibration) -> std::fmt::Result {
    let sets = [
        (histogram(&calibration.answerable), ANSWERABLE, 0.0, "answerable"),
        (histogram(&calibration.unanswerable), HELD_OUT, 0.5, "without their own document"),
    ];
    let highest = sets.iter().flat_map(|(shares, ..)| shares).copied().fold(0.05, f32::max);
    // A scale that ends on a full 5 %.
    let top = (highest * 20.0).ceil() / 20.0;
    axes(svg, UPPER, top, "share of headings")?;
    let step = ACROSS / f32::from(BARS);
    for (shares, colour, shift, _) in &sets {
        for (bar, share) in (0..BARS).zip(shares).filter(|(_, share)| **share > 0.0) {
            let (high, x) = (share / top * HIGH, LEFT + (f32::from(bar) + shift) * step);
            writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\" fill=\"{colour}\"/>",
                UPPER + HIGH - high,
                step / 2.0
            )?;
        }
    }
    threshold(svg, UPPER, calibration.threshold)?;
    for ((_, colour, _, name), x) in sets.iter().zip(LEGENDS) {
        legend(svg, x, UPPER, colour, name)?;
    }
    Ok(())
}

/// The lower diagram: two lines.
fn curve(svg: &mut String, calibration: &Calibration) -> std::fmt::Result {
    axes(svg, LOWER, 1.0, "share")?;
    text(svg, LEFT + ACROSS / 2.0, LOWER + HIGH + 40.0, "middle", 13, "coverage, and threshold")?;
    let of = |share: fn(&Point) -> f32| -> Vec<(f32, f32)> {
        calibration.curve.iter().map(|point| (point.threshold, share(point))).collect()
    };
    let lines = [
        (of(|point| point.kept), ANSWERABLE, "answerable: kept", LEGENDS[0]),
        (of(|point| point.refused), HELD_OUT, "without their own document: refused", LEGENDS[1]),
    ];
    for (points, colour, name, x) in lines {
        let points: Vec<String> = points
            .into_iter()
            .map(|(at, share)| format!("{:.1},{:.1}", x_of(at), LOWER + HIGH * (1.0 - share)))
            .collect();
        writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        )?;
        legend(svg, x, LOWER, colour, name)?;
    }
    threshold(svg, LOWER, calibration.threshold)
}

/// Frame, grid and labels of a diagram from 0 to 1 across, 0 to `top` upwards, in percent.
fn axes(svg: &mut String, upper: f32, top: f32, name: &str) -> std::fmt::Result {
    for fifth in 0..=5_u8 {
        let share = f32::from(fifth) / 5.0;
        let (x, y) = (x_of(share), upper + HIGH * (1.0 - share));
        line(svg, (x, upper), (x, upper + HIGH), "stroke=\"#e4e4e4\"")?;
        line(svg, (LEFT, y), (LEFT + ACROSS, y), "stroke=\"#e4e4e4\"")?;
        let more = if fifth == 5 { "≥ " } else { "" };
        text(svg, x, upper + HIGH + 19.0, "middle", 12, &format!("{more}{share:.1}"))?;
        text(svg, LEFT - 8.0, y + 4.0, "end", 12, &format!("{:.0} %", 100.0 * share * top))?;
    }
    line(svg, (LEFT, upper), (LEFT, upper + HIGH), "stroke=\"#555\"")?;
    line(svg, (LEFT, upper + HIGH), (LEFT + ACROSS, upper + HIGH), "stroke=\"#555\"")?;
    let middle = upper + HIGH / 2.0;
    writeln!(
        svg,
        "<text x=\"18\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 18 {middle})\">{name}</text>"
    )
}

fn threshold(svg: &mut String, upper: f32, at: f32) -> std::fmt::Result {
    let x = x_of(at);
    line(
        svg,
        (x, upper),
        (x, upper + HIGH),
        "stroke=\"#222\" stroke-dasharray=\"5 4\" stroke-width=\"1.5\"",
    )?;
    text(svg, x, upper - 6.0, "middle", 12, &format!("threshold {at:.3}"))
}

/// A square and its words, above a diagram.
fn legend(svg: &mut String, x: f32, upper: f32, colour: &str, name: &str) -> std::fmt::Result {
    let y = upper - 26.0;
    writeln!(svg, "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>", y - 10.0)?;
    text(svg, x + 18.0, y, "start", 13, name)
}

fn line(svg: &mut String, from: (f32, f32), to: (f32, f32), style: &str) -> std::fmt::Result {
    writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {style}/>",
        from.0, from.1, to.0, to.1
    )
}

/// `words` are ours, without characters that XML would need escaped.
fn text(svg: &mut String, x: f32, y: f32, anchor: &str, size: u8, words: &str) -> std::fmt::Result {
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{words}</text>"
    )
}

fn x_of(share: f32) -> f32 {
    LEFT + ACROSS * share.clamp(0.0, 1.0)
}

/// The share of the values in each of [`BARS`] equal parts of 0 to 1; what is above 1 is in the last.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a handful of bars"
)]
fn histogram(values: &[f32]) -> Vec<f32> {
    let mut counts = vec![0_usize; usize::from(BARS)];
    for value in values.iter().filter(|value| !value.is_nan()) {
        let bar = (value.max(0.0) * f32::from(BARS)) as usize;
        counts[bar.min(usize::from(BARS) - 1)] += 1;
    }
    counts.into_iter().map(|count| count as f32 / values.len().max(1) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heading_is_in_a_bar() {
        let shares = histogram(&[0.0, 0.5, 1.0, 1.3]);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((shares[usize::from(BARS) - 1] - 0.5).abs() < 1e-6);
        assert!(histogram(&[]).iter().all(|share| *share == 0.0));
    }
}
