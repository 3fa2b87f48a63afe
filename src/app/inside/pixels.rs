//! Numbers as pixels: plain data.

/// RGBA from black at `low` to white at `high`.
pub fn grey(values: &[f32]) -> Vec<u8> {
    let (low, high) = range(values);
    values
        .iter()
        .flat_map(|value| {
            let light = byte((value - low) / (high - low).max(f32::MIN_POSITIVE));
            [light, light, light, u8::MAX]
        })
        .collect()
}

/// RGBA of a network's input of one plane or three, on one scale from the lowest to the highest.
pub fn planes(values: &[f32], pixels: usize) -> Vec<u8> {
    if values.len() < 3 * pixels {
        return grey(values);
    }
    let (low, high) = range(values);
    let of = |channel: usize, i: usize| {
        byte((values[channel * pixels + i] - low) / (high - low).max(f32::MIN_POSITIVE))
    };
    (0..pixels).flat_map(|i| [of(0, i), of(1, i), of(2, i), u8::MAX]).collect()
}

/// RGBA of signed values: red above 0, blue below, white at 0.
pub fn signed(values: &[f32]) -> Vec<u8> {
    let most = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    values
        .iter()
        .flat_map(|value| {
            let share = (value / most.max(f32::MIN_POSITIVE)).clamp(-1.0, 1.0);
            let fade = |full: f32| byte(1.0 - share.abs() * (1.0 - full));
            let [r, g, b] = if share > 0.0 { [0.75, 0.1, 0.05] } else { [0.05, 0.25, 0.7] };
            [fade(r), fade(g), fade(b), u8::MAX]
        })
        .collect()
}

/// RGBA of one colour, as opaque as `shares` (0 to 255) say.
pub fn veil(shares: &[u8], [r, g, b]: [u8; 3]) -> Vec<u8> {
    shares.iter().flat_map(|share| [r, g, b, (u16::from(*share) * 4 / 5) as u8]).collect()
}

/// The lowest and the highest value; 0 and 0 of none.
pub fn range(values: &[f32]) -> (f32, f32) {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

fn byte(share: f32) -> u8 {
    (255.0 * share.clamp(0.0, 1.0)).round() as u8
}

/// RGBA of `width * height` pixels, each that of the lattice's crossing left of and above it.
pub fn spread(rgba: &[u8], columns: &[u32], rows: &[u32], width: u32, height: u32) -> Vec<u8> {
    let nearest = |lines: &[u32], at: u32| lines.partition_point(|line| *line <= at).max(1) - 1;
    let columns_of: Vec<usize> = (0..width).map(|x| nearest(columns, x)).collect();
    (0..height)
        .flat_map(|y| {
            let row = nearest(rows, y) * columns.len();
            columns_of.iter().flat_map(move |column| {
                let at = 4 * (row + column);
                <[u8; 4]>::try_from(rgba.get(at..at + 4).unwrap_or(&[0; 4])).unwrap_or_default()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_goes_from_the_lowest_to_the_highest() {
        assert_eq!(grey(&[-2.0, 0.0, 2.0]), [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
        assert_eq!(grey(&[3.0; 2]), [0, 0, 0, 255].repeat(2), "without a range, black");
        assert!(grey(&[]).is_empty());
    }

    #[test]
    fn three_planes_are_red_green_and_blue() {
        assert_eq!(planes(&[0.0, 1.0, 1.0, 0.0, 0.0, 0.0], 2), [0, 255, 0, 255, 255, 0, 0, 255]);
        assert_eq!(planes(&[0.0, 1.0], 2), grey(&[0.0, 1.0]));
    }

    #[test]
    fn signs_have_colours() {
        let pixels = signed(&[0.0, 5.0, -5.0]);
        assert_eq!(pixels[..4], [255, 255, 255, 255]);
        assert!(pixels[4] > 150 && pixels[6] < 50, "red above 0");
        assert!(pixels[8] < 50 && pixels[10] > 150, "blue below");
        assert_eq!(signed(&[0.0]), [255; 4]);
    }

    #[test]
    fn crossings_spread_to_the_next_one() {
        let rgba: Vec<u8> = [1u8, 2, 3, 4].iter().flat_map(|v| [*v; 4]).collect();
        let pixels = spread(&rgba, &[0, 2], &[0, 1], 3, 2);
        let first: Vec<u8> = pixels.chunks(4).map(|pixel| pixel[0]).collect();
        assert_eq!(first, [1, 1, 2, 3, 3, 4]);
        assert_eq!(spread(&[], &[], &[], 2, 1), [0; 8], "nothing without crossings");
    }
}
