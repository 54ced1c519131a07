//! Pictures as SVG, written by hand: axes, points, lines, bars, and the names of things under the pointer.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 60.0;
/// Told apart by people who do not see all colours too.
pub const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666"];

#[derive(Clone, Copy)]
pub struct Axis {
    pub from: f64,
    pub to: f64,
    pub logarithmic: bool,
}

impl Axis {
    /// From the least to the most of the values, with some air.
    pub fn around(values: impl Iterator<Item = f64>, logarithmic: bool) -> Axis {
        let (from, to) = values
            .filter(|value| value.is_finite() && (!logarithmic || *value > 0.0))
            .fold((f64::MAX, f64::MIN), |(from, to), value| (from.min(value), to.max(value)));
        if from > to {
            return Axis { from: 1.0, to: 10.0, logarithmic };
        }
        if logarithmic {
            return Axis { from: from / 1.3, to: to * 1.3, logarithmic };
        }
        let air = ((to - from) * 0.06).max(to.abs() * 0.001).max(1e-9);
        Axis { from: from - air, to: to + air, logarithmic }
    }

    fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }

    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = (self.from.log10().floor() as i32)..=(self.to.log10().ceil() as i32);
            let steps: &[f64] = if (self.to / self.from).log10() > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
            return all.filter(|value| (self.from..=self.to).contains(value)).collect();
        }
        let rough = (self.to - self.from) / 6.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * decade).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(decade * 10.0);
        let first = (self.from / step).ceil() as i64;
        (first..first + 12).map(|number| number as f64 * step).filter(|value| *value <= self.to).collect()
    }
}

pub struct Picture {
    body: String,
    x: Axis,
    y: Axis,
}

impl Picture {
    pub fn new(title: &str, x: (Axis, &str), y: (Axis, &str)) -> Picture {
        let mut picture = Picture { body: String::new(), x: x.0, y: y.0 };
        let body = &mut picture.body;
        writeln!(
            body,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/><text x="{LEFT}" y="28" font-size="17">{}</text>"##,
            escaped(title)
        )
        .unwrap();
        for value in x.0.ticks() {
            let at = picture.across(value);
            let (below, low) = (HEIGHT - BOTTOM + 18.0, HEIGHT - BOTTOM);
            writeln!(picture.body, r##"<path d="M{at:.1} {TOP}V{low}" stroke="#e4e4e4"/><text x="{at:.1}" y="{below}" text-anchor="middle">{}</text>"##, label(value)).unwrap();
        }
        picture.heights();
        let (middle, below) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14.0);
        writeln!(
            picture.body,
            r#"<text x="{middle}" y="{below}" text-anchor="middle">{}</text>"#,
            escaped(x.1)
        )
        .unwrap();
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        writeln!(
            picture.body,
            r#"<text transform="translate(20 {middle}) rotate(-90)" text-anchor="middle">{}</text>"#,
            escaped(y.1)
        )
        .unwrap();
        picture
    }

    fn heights(&mut self) {
        for value in self.y.ticks() {
            let at = self.up(value);
            let (beside, base, right) = (LEFT - 8.0, at + 4.0, WIDTH - RIGHT);
            writeln!(self.body, r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#e4e4e4"/><text x="{beside}" y="{base:.1}" text-anchor="end">{}</text>"##, label(value)).unwrap();
        }
    }

    fn across(&self, value: f64) -> f64 {
        LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM)
    }

    pub fn point(&mut self, x: f64, y: f64, colour: &str, name: &str) {
        let (x, y) = (self.across(x), self.up(y));
        let name = escaped(name);
        writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}" fill-opacity="0.55"><title>{name}</title></circle>"#).unwrap();
    }

    pub fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dashed: bool) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let letter = if at == 0 { 'M' } else { 'L' };
            write!(path, "{letter}{:.1} {:.1}", self.across(*x), self.up(*y)).unwrap();
        }
        let dash = if dashed { r#" stroke-dasharray="6 4""# } else { "" };
        writeln!(
            self.body,
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>"#
        )
        .unwrap();
    }

    /// A bar from the lower edge to `y`, from `left` to `right`.
    pub fn bar(&mut self, left: f64, right: f64, y: f64, colour: &str, name: &str) {
        let (left, right, top, low) = (self.across(left), self.across(right), self.up(y), HEIGHT - BOTTOM);
        let (width, height, name) = ((right - left).max(0.5), (low - top).max(0.0), escaped(name));
        writeln!(self.body, r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}"><title>{name}</title></rect>"#).unwrap();
    }

    /// In the upper corner, or the lower one where lines run along the top.
    pub fn legend(&mut self, entries: &[(String, &str)], at_top: bool) {
        for (at, (name, colour)) in entries.iter().enumerate() {
            let first = if at_top { TOP + 18.0 } else { HEIGHT - BOTTOM + 4.0 - entries.len() as f64 * 18.0 };
            let (x, y) = (LEFT + 14.0, first + at as f64 * 18.0);
            let name = escaped(name);
            writeln!(
                self.body,
                r#"<circle cx="{x}" cy="{:.1}" r="5" fill="{colour}"/><text x="{}" y="{y}">{name}</text>"#,
                y - 4.0,
                x + 12.0
            )
            .unwrap();
        }
    }

    pub fn finish(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }
}

fn label(value: f64) -> String {
    let rounded = (value * 1e9).round() / 1e9;
    if rounded != 0.0 && rounded.abs() < 1e-4 { format!("{rounded:e}") } else { format!("{rounded}") }
}

fn escaped(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
