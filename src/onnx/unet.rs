//! The networks that find strokes and digits. Their files are given photos of any size, and cut them
//! into cells themselves.

use super::{
    Source,
    graph::{About, Graph, Value, fixed, named},
};
use crate::{
    classifier::{EngineError, host_values},
    finder::{self, DigitFinder, FINDER_NET},
    strokes::{self, STROKE_NET, StrokeFinder},
    unet::UNet,
};

/// StrokeNet as an ONNX file: from `photo`, `boxes` and `prior` to `strokes` and `key_pixels`, for a
/// part of a photo whose rows and columns are multiples of 8.
///
/// # Errors
/// [`EngineError`] when the weights cannot be read back from their device.
pub fn of_strokes(finder: &StrokeFinder, source: &Source<'_>) -> Result<Vec<u8>, EngineError> {
    let mut graph = Graph::default();
    let planes = |planes: usize| [named("n"), fixed(planes), named("height"), named("width")];
    let photo = graph.input(
        "photo",
        planes(3),
        &format!(
            "A part of a photo round the digits: red, green and blue, 0 to 1. First at a scale at which \
             the digits are at most {} pixels tall, then at twice that scale with the result as the \
             prior, and so on, up to {} pixels. Rows and columns are multiples of {}.",
            strokes::COARSE_HEIGHT,
            strokes::FINE_HEIGHT,
            strokes::MULTIPLE
        ),
    );
    let boxes = graph.input("boxes", planes(1), "1 in the digits' boxes, 0 outside.");
    let prior = graph.input(
        "prior",
        planes(1),
        "2 * strokes - 1 of the same part at half this resolution, enlarged; 0 everywhere if there \
         is none.",
    );

    // Each plane minus its mean, and all three over their common deviation.
    let reduce = |graph: &mut Graph, name: &str, x: &str, axes: &[i64]| {
        let axes = Value::Ints(axes.to_vec());
        graph.node("ReduceMean", name, &[x], [("axes", axes), ("keepdims", Value::Int(1))])
    };
    let mean = reduce(&mut graph, "mean", &photo, &[2, 3]);
    let centred = graph.node("Sub", "centred", &[&photo, &mean], []);
    let squares = graph.node("Mul", "squares", &[&centred, &centred], []);
    let variance = reduce(&mut graph, "variance", &squares, &[1, 2, 3]);
    let deviation = graph.node("Sqrt", "deviation", &[&variance], []);
    let least = graph.constant("least_contrast", &[1], &[strokes::LEAST_CONTRAST]);
    let contrast = graph.node("Max", "contrast", &[&deviation, &least], []);
    let colours = graph.node("Div", "normalised", &[&centred, &contrast], []);
    let concat = [("axis", Value::Int(1))];
    let input = graph.node("Concat", "planes", &[&colours, &boxes, &prior], concat);

    let cells = as_cells(&mut graph, &input, strokes::CELL);
    let planes_in = [strokes::CHANNELS, strokes::CELL];
    let outputs = network(&mut graph, cells, finder.model().net(), planes_in)?;
    let in_pixels = [("blocksize", Value::Int(strokes::CELL as i64)), ("mode", Value::Text("CRD"))];
    let odds = graph.node("DepthToSpace", "log_odds", &[&outputs], in_pixels);
    let probabilities = graph.node("Sigmoid", "probabilities", &[&odds], []);
    let sizes = graph.whole_numbers("sizes", &[1; strokes::OUTPUTS]);
    let names = ["strokes", "key_pixels"];
    let axis = [("axis", Value::Int(1))];
    graph.nodes("Split", "split", &[&probabilities, &sizes], &names, axis);
    let [strokes, key_pixels] = names;
    graph.output(strokes, planes(1), "The probability that a pixel is a digit's stroke.");
    graph.output(
        key_pixels,
        planes(1),
        "A pixel's weight as a key pixel, 0 to 1: background that shows what is behind the strokes.",
    );

    let mut entries = source.entries(STROKE_NET.name);
    entries.push(("Image.BitmapPixelFormat", "Rgb8".to_owned()));
    let text =
        "Finds the strokes of the digits in boxes, and the background around them.".to_owned();
    Ok(graph.into_file(About { name: STROKE_NET.name, text, entries }))
}

/// FinderNet as an ONNX file: from `photo` to `confidences` and `reaches`, for a photo whose rows and
/// columns are multiples of 16.
///
/// # Errors
/// [`EngineError`] when the weights cannot be read back from their device.
pub fn of_finder(finder: &DigitFinder, source: &Source<'_>) -> Result<Vec<u8>, EngineError> {
    let mut graph = Graph::default();
    let [least, most] = finder::HEIGHTS;
    let photo = graph.input(
        "photo",
        [named("n"), fixed(3), named("height"), named("width")],
        &format!(
            "A photo, or a part of it: red, green and blue, 0 to 1. Rows and columns are multiples of \
             {}. Digits are found if they are {least} to {most} pixels tall; look for others in the \
             same photo at other scales, two for each halving.",
            crate::unet::MULTIPLE * finder::CELL
        ),
    );
    let mean = graph.constant("mean", &[1], &[finder::MEAN]);
    let deviation = graph.constant("deviation", &[1], &[finder::DEVIATION]);
    let centred = graph.node("Sub", "centred", &[&photo, &mean], []);
    let normalised = graph.node("Div", "normalised", &[&centred, &deviation], []);

    let cells = as_cells(&mut graph, &normalised, finder::CELL);
    let outputs = network(&mut graph, cells, finder.model().net(), [3, finder::CELL])?;
    let sides = finder::OUTPUTS - 1;
    let sizes = graph.whole_numbers("sizes", &[1, sides as i64]);
    let parts = ["log_odds", "logarithms"];
    let axis = [("axis", Value::Int(1))];
    graph.nodes("Split", "split", &[&outputs, &sizes], &parts, axis);
    let confidences = graph.node("Sigmoid", "confidences", &["log_odds"], []);
    let in_units = graph.node("Exp", "in_units", &["logarithms"], []);
    let unit = graph.constant("unit", &[1], &[finder::UNIT]);
    let reaches = graph.node("Mul", "reaches", &[&in_units, &unit], []);
    let of_cells = |planes: usize| [named("n"), fixed(planes), named("rows"), named("columns")];
    let cell = finder::CELL;
    graph.output(
        &confidences,
        of_cells(1),
        &format!(
            "For each square of {cell} x {cell} pixels, the probability that a digit's middle is \
             there. Of neighbours that find the same digit, the surest counts."
        ),
    );
    graph.output(
        &reaches,
        of_cells(sides),
        "How far the digit's box reaches from the square's middle to the left, up, right and down, in \
         pixels.",
    );

    let mut entries = source.entries(FINDER_NET.name);
    entries.push(("Image.BitmapPixelFormat", "Rgb8".to_owned()));
    let text = "Finds digits in a photo.".to_owned();
    Ok(graph.into_file(About { name: FINDER_NET.name, text, entries }))
}

/// Planes of pixels as planes of square cells of `side` pixels.
fn as_cells(graph: &mut Graph, planes: &str, side: usize) -> String {
    graph.node("SpaceToDepth", "cells", &[planes], [("blocksize", Value::Int(side as i64))])
}

/// The network itself, from [`as_cells`] of this many planes and this side.
fn network(
    graph: &mut Graph,
    cells: String,
    net: &UNet,
    [planes, side]: [usize; 2],
) -> Result<String, EngineError> {
    let mut layers = Vec::new();
    for (i, layer) in net.convolutions.iter().enumerate() {
        let mut weights = host_values(layer.weight.val())?;
        if i == 0 {
            weights = for_cells_of_onnx(&weights, planes, side);
        }
        let [out, from, kernel, _] = layer.weight.dims();
        let biases = match &layer.bias {
            Some(biases) => host_values(biases.val())?,
            None => vec![0.0; out],
        };
        layers.push(([out, from, kernel], weights, biases));
    }
    let last = layers.len().saturating_sub(1);
    let convolve = |graph: &mut Graph, i: usize, x: &str| {
        let (sizes, weights, biases) = &layers[i];
        let x = graph.convolution(&format!("convolutions.{i}"), x, *sizes, weights, biases);
        if i == last {
            return x;
        }
        graph.node("Relu", &format!("convolutions.{i}.relu"), &[&x], [])
    };
    let scales = graph.constant("doubled", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let doubled_onto = |graph: &mut Graph, i: usize, x: &str, other: &str| {
        let attributes = [
            ("coordinate_transformation_mode", Value::Text("asymmetric")),
            ("mode", Value::Text("nearest")),
            ("nearest_mode", Value::Text("floor")),
        ];
        // The second input, a part to enlarge, is none.
        let x = graph.node("Resize", &format!("up.{i}"), &[x, "", &scales], attributes);
        graph.node("Add", &format!("sum.{i}"), &[&x, other], [])
    };
    let pooled = |graph: &mut Graph, i: usize, x: &str| {
        let two = || Value::Ints(vec![2; 2]);
        let attributes = [("kernel_shape", two()), ("strides", two())];
        graph.node("MaxPool", &format!("pool.{i}"), &[x], attributes)
    };

    // The same as `UNet::forward`.
    let x = convolve(graph, 0, &cells);
    let full = convolve(graph, 1, &x);
    let x = pooled(graph, 0, &full);
    let x = convolve(graph, 2, &x);
    let half = convolve(graph, 3, &x);
    let x = pooled(graph, 1, &half);
    let x = convolve(graph, 4, &x);
    let x = convolve(graph, 5, &x);
    let x = convolve(graph, 6, &x);
    let x = doubled_onto(graph, 0, &x, &half);
    let x = convolve(graph, 7, &x);
    let x = doubled_onto(graph, 1, &x, &full);
    let x = convolve(graph, 8, &x);
    Ok(convolve(graph, 9, &x))
}

/// Weights of the first convolution, `[channels out, planes * side * side, ...]`, with their inputs in
/// the order of ONNX's `SpaceToDepth`: there, the planes of a cell's pixel come one after the other,
/// here the pixels of a plane.
fn for_cells_of_onnx(weights: &[f32], planes: usize, side: usize) -> Vec<f32> {
    let pixels = side * side;
    let taps = 9;
    let mut ordered = Vec::with_capacity(weights.len());
    for of_output in weights.chunks_exact(planes * pixels * taps) {
        for pixel in 0..pixels {
            for plane in 0..planes {
                let from = (plane * pixels + pixel) * taps;
                ordered.extend_from_slice(&of_output[from..from + taps]);
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cells_pixels_come_one_after_the_other() {
        // Two planes of 2 x 2 pixels; each weight is its input's number.
        let weights: Vec<f32> = (0..8).flat_map(|input| [input as f32; 9]).collect();
        let ordered = for_cells_of_onnx(&weights, 2, 2);
        let inputs: Vec<f32> = ordered.chunks(9).map(|taps| taps[0]).collect();
        assert_eq!(inputs, [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
    }
}
