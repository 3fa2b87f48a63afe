//! Builds a graph node by node.

use burn::nn::{BatchNorm, Linear};
use prost::Message as _;

use super::proto::{
    self, Attribute, AttributeType, DataType, Dimension, Entry, Length, Node, OperatorSet, Tensor,
    TensorType, Type, ValueInfo,
};
use crate::classifier::{EngineError, host_values};

/// The version of the operators, of early 2022: a file for which any runtime of today has an answer.
pub(super) const OPSET: i64 = 17;

/// The version of the file's layout that came with it.
pub(super) const IR_VERSION: i64 = 8;

/// A graph that grows.
#[derive(Default)]
pub(super) struct Graph(proto::Graph);

/// What a whole file says besides its graph.
pub(super) struct About<'a> {
    /// The graph's name.
    pub(super) name: &'a str,
    /// For readers.
    pub(super) text: String,
    /// For programs, in this order.
    pub(super) entries: Vec<(&'static str, String)>,
}

/// A node's attribute.
pub(super) enum Value<'a> {
    Int(i64),
    Float(f32),
    Ints(Vec<i64>),
    Text(&'a str),
}

/// A fixed length.
pub(super) fn fixed(length: usize) -> Length {
    Length::Fixed(length as i64)
}

/// A length that is known when the network runs.
pub(super) fn named(name: &str) -> Length {
    Length::Named(name.to_owned())
}

fn tensor(name: &str, dims: &[usize], data_type: DataType, raw: Vec<u8>) -> Tensor {
    Tensor {
        dims: dims.iter().map(|&length| length as i64).collect(),
        data_type: Some(data_type.into()),
        name: Some(name.to_owned()),
        raw_data: Some(raw),
    }
}

fn value_info(name: &str, shape: Vec<Length>, doc: &str) -> ValueInfo {
    let dims = shape.into_iter().map(|length| Dimension { value: Some(length) });
    let tensor = TensorType {
        elem_type: Some(DataType::Float.into()),
        shape: Some(proto::Shape { dim: dims.collect() }),
    };
    ValueInfo {
        name: Some(name.to_owned()),
        r#type: Some(Type { tensor_type: Some(tensor) }),
        doc_string: Some(doc.to_owned()),
    }
}

fn attribute((name, value): (&str, Value<'_>)) -> Attribute {
    let of = |kind: AttributeType| Attribute {
        name: Some(name.to_owned()),
        r#type: Some(kind.into()),
        ..Attribute::default()
    };
    match value {
        Value::Int(i) => Attribute { i: Some(i), ..of(AttributeType::Int) },
        Value::Float(f) => Attribute { f: Some(f), ..of(AttributeType::Float) },
        Value::Ints(ints) => Attribute { ints, ..of(AttributeType::Ints) },
        Value::Text(text) => {
            Attribute { s: Some(text.as_bytes().to_vec()), ..of(AttributeType::String) }
        }
    }
}

impl Graph {
    /// An input of single-precision numbers.
    pub(super) fn input(&mut self, name: &str, shape: impl Into<Vec<Length>>, doc: &str) -> String {
        self.0.input.push(value_info(name, shape.into(), doc));
        name.to_owned()
    }

    /// Says that the value of this name is an output of the graph.
    pub(super) fn output(&mut self, name: &str, shape: impl Into<Vec<Length>>, doc: &str) {
        self.0.output.push(value_info(name, shape.into(), doc));
    }

    /// A constant.
    pub(super) fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.initializer.push(tensor(name, dims, DataType::Float, raw));
        name.to_owned()
    }

    /// A constant of whole numbers.
    pub(super) fn whole_numbers(&mut self, name: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.initializer.push(tensor(name, &[values.len()], DataType::Int64, raw));
        name.to_owned()
    }

    /// A node whose one result has this name, which is also the node's.
    pub(super) fn node<const A: usize>(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        attributes: [(&str, Value<'_>); A],
    ) -> String {
        self.nodes(operator, name, inputs, &[name], attributes);
        name.to_owned()
    }

    /// A node with several results.
    pub(super) fn nodes<const A: usize>(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: [(&str, Value<'_>); A],
    ) {
        let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.0.node.push(Node {
            input: strings(inputs),
            output: strings(outputs),
            name: Some(name.to_owned()),
            op_type: Some(operator.to_owned()),
            attribute: attributes.map(attribute).into(),
        });
    }

    /// A convolution of weights `[channels out, channels in, kernel, kernel]`, stride 1, whose result
    /// is as large as its input.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        input: &str,
        [out, from, kernel]: [usize; 3],
        weights: &[f32],
        biases: &[f32],
    ) -> String {
        let weights =
            self.constant(&format!("{name}.weight"), &[out, from, kernel, kernel], weights);
        let biases = self.constant(&format!("{name}.bias"), &[out], biases);
        let side = kernel as i64;
        self.node(
            "Conv",
            name,
            &[input, &weights, &biases],
            [
                ("kernel_shape", Value::Ints(vec![side; 2])),
                ("pads", Value::Ints(vec![side / 2; 4])),
            ],
        )
    }

    /// A batch normalisation with its running statistics.
    ///
    /// # Errors
    /// [`EngineError`] when these cannot be read back.
    pub(super) fn batch_norm(
        &mut self,
        name: &str,
        input: &str,
        norm: &BatchNorm,
    ) -> Result<String, EngineError> {
        let mut inputs = vec![input.to_owned()];
        for (part, values) in [
            ("weight", norm.gamma.val()),
            ("bias", norm.beta.val()),
            ("running_mean", norm.running_mean.value_sync()),
            ("running_var", norm.running_var.value_sync()),
        ] {
            let values = host_values(values)?;
            inputs.push(self.constant(&format!("{name}.{part}"), &[values.len()], &values));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let epsilon = Value::Float(norm.epsilon as f32);
        Ok(self.node("BatchNormalization", name, &inputs, [("epsilon", epsilon)]))
    }

    /// A linear layer, whose result is called `output`.
    ///
    /// # Errors
    /// [`EngineError`] when its weights cannot be read back.
    pub(super) fn linear(
        &mut self,
        name: &str,
        output: &str,
        input: &str,
        linear: &Linear,
    ) -> Result<String, EngineError> {
        // Burn keeps them as [inputs, outputs], which is what `Gemm` multiplies by.
        let [inputs, outputs] = linear.weight.dims();
        let weights = host_values(linear.weight.val())?;
        let weights = self.constant(&format!("{name}.weight"), &[inputs, outputs], &weights);
        let biases = match &linear.bias {
            Some(biases) => host_values(biases.val())?,
            None => vec![0.0; outputs],
        };
        let biases = self.constant(&format!("{name}.bias"), &[outputs], &biases);
        Ok(self.node("Gemm", output, &[input, &weights, &biases], []))
    }

    /// The file.
    pub(super) fn into_file(mut self, about: About<'_>) -> Vec<u8> {
        self.0.name = Some(about.name.to_owned());
        let entry =
            |(key, value): (&str, String)| Entry { key: Some(key.to_owned()), value: Some(value) };
        let model = proto::Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            doc_string: Some(about.text),
            graph: Some(self.0),
            opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: about.entries.into_iter().map(entry).collect(),
        };
        model.encode_to_vec()
    }
}
