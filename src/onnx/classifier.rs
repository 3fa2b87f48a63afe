//! The networks that read a digit.

use super::{
    Source,
    graph::{About, Graph, Value, fixed, named},
};
use crate::{
    classifier::{
        Architecture, Classifier, DIGITS, EngineError, HeadLayer, Norm, Pool, host_values,
    },
    photo::Colours,
};

/// A classifier as an ONNX file: from `samples` `[n, channels, side, side]`, 0 to 1, to `logits` and
/// `confidences`, both `[n, 10]`.
///
/// # Errors
/// [`EngineError`] when the weights cannot be read back from their device.
pub fn of_classifier(classifier: &Classifier, source: &Source<'_>) -> Result<Vec<u8>, EngineError> {
    let net = classifier.network();
    let architecture = net.architecture();
    let input = architecture.input;
    let mut graph = Graph::default();

    let shape = [named("n"), fixed(input.channels()), fixed(input.side), fixed(input.side)];
    let mut x = graph.input("samples", shape, &about_input(architecture));
    x = normalised(&mut graph, x, classifier);

    let declared = architecture.stages.iter().zip(architecture.sides());
    for (i, ((stage, side), layers)) in declared.zip(&net.stages).enumerate() {
        let name = |layer: &str| format!("stages.{i}.{layer}");
        let [out, from, kernel, _] = layers.conv.weight.dims();
        let weights = host_values(layers.conv.weight.val())?;
        let biases = match &layers.conv.bias {
            Some(biases) => host_values(biases.val())?,
            None => vec![0.0; out],
        };
        x = graph.convolution(&name("conv"), &x, [out, from, kernel], &weights, &biases);
        if let (Some(norm), Norm::BeforeRelu) = (&layers.norm, stage.norm) {
            x = graph.batch_norm(&name("norm"), &x, norm)?;
        }
        x = graph.node("Relu", &name("relu"), &[&x], []);
        x = pooled(&mut graph, &name("pool"), x, stage.pool, side);
        if let (Some(norm), Norm::AfterPool) = (&layers.norm, stage.norm) {
            x = graph.batch_norm(&name("norm"), &x, norm)?;
        }
    }

    x = graph.node("Flatten", "features", &[&x], [("axis", Value::Int(1))]);
    // Dropout is for training only.
    let head = architecture.head.iter().filter(|layer| !matches!(layer, HeadLayer::Dropout(_)));
    let head: Vec<&HeadLayer> = head.collect();
    let mut linears = net.linears.iter().enumerate();
    for (i, layer) in head.iter().enumerate() {
        let output = if i + 1 == head.len() { "logits".to_owned() } else { format!("head.{i}") };
        x = match layer {
            HeadLayer::Linear(_) => match linears.next() {
                Some((at, linear)) => {
                    graph.linear(&format!("linears.{at}"), &output, &x, linear)?
                }
                None => return Err(EngineError::Input(format!("{architecture} lacks a layer"))),
            },
            _ => graph.node("Relu", &output, &[&x], []),
        };
    }
    let confidences = graph.node("Softmax", "confidences", &[&x], [("axis", Value::Int(1))]);
    let of_digits = || [named("n"), fixed(DIGITS)];
    graph.output(&x, of_digits(), "The network's outputs for digits 0 to 9.");
    graph.output(
        &confidences,
        of_digits(),
        "The confidence in digits 0 to 9: the softmax of the logits. A network that was trained with \
         places without digits gives all ten nearly the same confidence there.",
    );

    let mut entries = source.entries(architecture.name);
    let format = match input.colours {
        Colours::Grey => "Gray8",
        Colours::Rgb => "Rgb8",
    };
    let classes: Vec<String> = (0..DIGITS).map(|digit| digit.to_string()).collect();
    entries.extend([
        ("Image.BitmapPixelFormat", format.to_owned()),
        ("input", input.to_string()),
        ("classes", classes.join(",")),
    ]);
    let text = format!(
        "Reads one digit, 0 to 9. The input is a crop of a photo: {input}, where the last is part of \
         this graph."
    );
    Ok(graph.into_file(About { name: architecture.name, text, entries }))
}

/// What a program has to give.
fn about_input(architecture: &Architecture) -> String {
    let input = architecture.input;
    let planes = match input.colours {
        Colours::Grey => "one plane of grey, 0.299 R + 0.587 G + 0.114 B",
        Colours::Rgb => "planes of red, green and blue",
    };
    format!(
        "A crop of the photo round each digit: {input}. Samples from 0 (black) to 1 (white), as the \
         photo's file holds them divided by 255; {planes}, row after row. They are normalised in this \
         graph."
    )
}

/// The samples as the first convolution is given them.
fn normalised(graph: &mut Graph, x: String, classifier: &Classifier) -> String {
    let input = classifier.architecture().input;
    let of_samples = [1, input.channels(), input.side, input.side];
    let mut apply = |x: String, operator: &str, [constant, output]: [&str; 2], values: &[f32]| {
        let operand = match values {
            [first, rest @ ..] if rest.iter().all(|value| value == first) => {
                graph.constant(constant, &[1], &[*first])
            }
            _ => graph.constant(constant, &of_samples, values),
        };
        graph.node(operator, output, &[&x, &operand], [])
    };
    let standardisation = classifier.standardisation();
    let x = apply(x, "Sub", ["mean", "centred"], standardisation.mean());
    apply(x, "Mul", ["scale", "normalised"], standardisation.scale())
}

/// A stage's pooling of planes with this many rows and columns.
fn pooled(graph: &mut Graph, name: &str, x: String, pool: Pool, side: usize) -> String {
    let operator = match pool {
        Pool::None => return x,
        Pool::Max2 | Pool::Max3 => "MaxPool",
        // Padding does not count in the mean, which is the operator's default.
        Pool::Mean3 => "AveragePool",
    };
    let window = pool.window();
    // Sizes are rounded up by padding, as runtimes differ in what they do with `ceil_mode`.
    let covered = 2 * (pool.output_side(side) - 1) + window;
    let beyond = covered.saturating_sub(side) as i64;
    let attributes = [
        ("kernel_shape", Value::Ints(vec![window as i64; 2])),
        ("pads", Value::Ints(vec![0, 0, beyond, beyond])),
        ("strides", Value::Ints(vec![2; 2])),
    ];
    graph.node(operator, name, &[&x], attributes)
}
