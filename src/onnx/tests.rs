//! The files' structure, read again. What they answer is compared in `tests/onnx.rs`.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use prost::Message as _;

use super::{
    Source,
    graph::{IR_VERSION, OPSET},
    of_classifier, of_finder, of_strokes,
    proto::{DataType, Length, Model, ValueInfo},
};
use crate::{
    classifier::{Architecture, Classifier, Network, host_values},
    finder::FINDER_NET,
    strokes::STROKE_NET,
    unet::{Shape, UNet, UNetModel},
};

const SOURCE: Source<'_> = Source { name: "mine", sha256: "0123" };

fn classifier(architecture: &'static Architecture) -> Classifier {
    let device = Device::flex();
    let net = Network::new(architecture, &device);
    Classifier::new(net, device).expect("the CPU reads its own weights")
}

fn unet(shape: &Shape) -> UNetModel {
    let device = Device::flex();
    UNetModel::new(shape, UNet::new(shape, &device), device).expect("weights")
}

/// The name and the lengths of an input or output.
fn described(value: &ValueInfo) -> (&str, Vec<String>) {
    assert!(value.doc_string.as_deref().is_some_and(|doc| doc.len() > 20), "{value:?}");
    let tensor = value.r#type.as_ref().and_then(|it| it.tensor_type.as_ref()).expect("a tensor");
    assert_eq!(tensor.elem_type(), DataType::Float);
    let dims = &tensor.shape.as_ref().expect("a shape").dim;
    let lengths = dims.iter().map(|dim| match &dim.value {
        Some(Length::Fixed(length)) => length.to_string(),
        Some(Length::Named(name)) => name.clone(),
        None => panic!("no length in {value:?}"),
    });
    (value.name(), lengths.collect())
}

/// Reads a file, and checks what holds for each: every value comes from an input, a constant or an
/// earlier node, and every constant has as many numbers as it says.
fn read(file: &[u8]) -> Model {
    let model = Model::decode(file).expect("a model");
    assert_eq!((model.ir_version(), model.opset_import[0].version()), (IR_VERSION, OPSET));
    assert_eq!(model.producer_name(), "doorplate");
    let graph = model.graph.as_ref().expect("a graph");
    let mut known: BTreeSet<&str> = graph.input.iter().map(ValueInfo::name).collect();
    for constant in &graph.initializer {
        let bytes = match constant.data_type() {
            DataType::Float => 4,
            DataType::Int64 => 8,
            DataType::Undefined => panic!("{} has no type", constant.name()),
        };
        let numbers: i64 = constant.dims.iter().product();
        assert_eq!(constant.raw_data().len(), bytes * numbers as usize, "{}", constant.name());
        assert!(known.insert(constant.name()), "{} is there twice", constant.name());
    }
    for node in &graph.node {
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            assert!(known.contains(input.as_str()), "{}: no {input} so far", node.name());
        }
        for output in &node.output {
            assert!(known.insert(output), "{output} is there twice");
        }
    }
    assert!(graph.output.iter().all(|output| known.contains(output.name())));
    model
}

fn metadata(model: &Model) -> BTreeMap<&str, &str> {
    model.metadata_props.iter().map(|entry| (entry.key(), entry.value())).collect()
}

#[test]
fn a_classifiers_file_describes_input_outputs_and_source() {
    for architecture in Architecture::ALL {
        let classifier = classifier(architecture);
        let file = of_classifier(&classifier, &SOURCE).expect("exported");
        assert_eq!(file, of_classifier(&classifier, &SOURCE).expect("exported"));
        let model = read(&file);
        let graph = model.graph.as_ref().expect("a graph");
        let input = architecture.input;
        let [samples] = graph.input.as_slice() else { panic!("one input, not {:?}", graph.input) };
        let side = input.side.to_string();
        let lengths = vec!["n".to_owned(), input.channels().to_string(), side.clone(), side];
        assert_eq!(described(samples), ("samples", lengths));
        assert!(samples.doc_string().contains(&input.to_string()), "{samples:?}");
        let outputs: Vec<_> = graph.output.iter().map(described).collect();
        let digits = || vec!["n".to_owned(), "10".to_owned()];
        assert_eq!(outputs, [("logits", digits()), ("confidences", digits())]);
        let metadata = metadata(&model);
        let crop = input.to_string();
        for (key, value) in [
            ("model", "mine"),
            ("network", architecture.name),
            ("weights_sha256", "0123"),
            ("input", crop.as_str()),
            ("classes", "0,1,2,3,4,5,6,7,8,9"),
        ] {
            assert_eq!(metadata.get(key), Some(&value), "{architecture}");
        }
    }
}

#[test]
fn a_classifiers_file_holds_all_its_weights_and_no_others() {
    for architecture in Architecture::ALL {
        let classifier = classifier(architecture);
        let model = read(&of_classifier(&classifier, &SOURCE).expect("exported"));
        let constants = &model.graph.as_ref().expect("a graph").initializer;
        let of_input = ["mean", "scale"];
        let weights = constants.iter().filter(|it| !of_input.contains(&it.name()));
        let numbers: i64 = weights.map(|it| it.dims.iter().product::<i64>()).sum();
        let net = classifier.network();
        let norms = net.stages.iter().filter(|stage| stage.norm.is_some()).count();
        // PyTorch counts the batches that each batch norm has seen.
        assert_eq!(numbers as usize + norms, net.reported_parameter_count(), "{architecture}");

        let first = constants.iter().find(|it| it.name() == "stages.0.conv.weight");
        let values = host_values(net.stages[0].conv.weight.val()).expect("the CPU's weights");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(first.expect("the first convolution").raw_data(), bytes, "{architecture}");
    }
}

#[test]
fn files_that_find_something_take_photos_of_any_size() {
    let strokes = of_strokes(&unet(&STROKE_NET).into(), &SOURCE).expect("exported");
    let finder = of_finder(&unet(&FINDER_NET).into(), &SOURCE).expect("exported");
    let lengths = |planes: &str, rows: &str, columns: &str| {
        ["n", planes, rows, columns].map(str::to_owned).to_vec()
    };
    let of_pixels = |planes| lengths(planes, "height", "width");
    let model = read(&strokes);
    let graph = model.graph.as_ref().expect("a graph");
    let inputs: Vec<_> = graph.input.iter().map(described).collect();
    let planes = [("photo", of_pixels("3")), ("boxes", of_pixels("1")), ("prior", of_pixels("1"))];
    assert_eq!(inputs, planes);
    let outputs: Vec<_> = graph.output.iter().map(described).collect();
    assert_eq!(outputs, [("strokes", of_pixels("1")), ("key_pixels", of_pixels("1"))]);
    assert_eq!(metadata(&model)["network"], "StrokeNet");

    let model = read(&finder);
    let graph = model.graph.as_ref().expect("a graph");
    let inputs: Vec<_> = graph.input.iter().map(described).collect();
    assert_eq!(inputs, [("photo", of_pixels("3"))]);
    let outputs: Vec<_> = graph.output.iter().map(described).collect();
    let of_cells = |planes| lengths(planes, "rows", "columns");
    assert_eq!(outputs, [("confidences", of_cells("1")), ("reaches", of_cells("4"))]);
    assert_eq!(metadata(&model)["weights_sha256"], "0123");
}
