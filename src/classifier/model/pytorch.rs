//! Weights that were trained with PyTorch.

use std::path::Path;

use burn::tensor::Device;
use burn_store::{KeyRemapper, PytorchStore};

use super::{Architecture, Classifier, Network, WeightsError, fill_from};

/// How tensors of a PyTorch file are found for a network's.
#[derive(Clone, Debug, Default)]
pub struct TensorNames {
    /// The entry of the file's dictionary that holds the tensors; none if it is the dictionary itself.
    pub key: Option<String>,
    /// Regular expressions, each with what replaces what it matches in a tensor's name, applied in
    /// their order; `$1` is the first group.
    pub renames: Vec<(String, String)>,
}

impl Classifier {
    /// Loads what `torch.save(net.state_dict(), path)` wrote. Tensors are named after the fields of
    /// [`Network`], with PyTorch's names in layers (`stages.0.norm.running_mean`).
    ///
    /// # Errors
    /// [`WeightsError`] when the file cannot be read, or a tensor is missing, left over, or of another
    /// shape; or when a name is no regular expression.
    pub fn from_pytorch(
        architecture: &'static Architecture,
        path: &Path,
        names: &TensorNames,
    ) -> Result<Self, WeightsError> {
        let unusable = |reason: String| WeightsError::Unusable { architecture, reason };
        let renamed =
            names.renames.iter().try_fold(KeyRemapper::new(), |remapper, (from, to)| {
                remapper.add_pattern(from, to).map_err(|error| unusable(error.to_string()))
            })?;
        let mut store =
            PytorchStore::from_file(path).remap(renamed).validate(false).allow_partial(true);
        if let Some(key) = &names.key {
            store = store.with_top_level_key(key);
        }
        let device = Device::flex();
        let mut net = Network::new(architecture, &device);
        // Counts of batches are PyTorch's own bookkeeping.
        let may_be_left = |name: &str| name.ends_with("num_batches_tracked");
        fill_from(&mut net, &mut store, may_be_left).map_err(unusable)?;
        Classifier::new(net, device).map_err(|error| unusable(error.reason().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use burn::tensor::Tensor;

    use super::*;
    use crate::classifier::host_values;

    /// A tensor's name, shape and values.
    type Named = (String, Vec<usize>, Vec<f32>);

    fn named<const D: usize>(name: String, tensor: Tensor<D>) -> Named {
        let shape = tensor.dims().to_vec();
        (name, shape, host_values(tensor).expect("on the CPU"))
    }

    /// A network's tensors as PyTorch has them.
    fn tensors_of(net: &Network) -> Vec<Named> {
        let mut all = Vec::new();
        let statistics = [("mean", &net.mean), ("deviation", &net.deviation)];
        for (name, statistic) in statistics {
            all.extend(statistic.iter().map(|it| named(name.to_owned(), it.val())));
        }
        for (i, stage) in net.stages.iter().enumerate() {
            let of = |name: &str| format!("stages.{i}.{name}");
            all.push(named(of("conv.weight"), stage.conv.weight.val()));
            all.extend(stage.conv.bias.iter().map(|bias| named(of("conv.bias"), bias.val())));
            if let Some(norm) = &stage.norm {
                all.push(named(of("norm.weight"), norm.gamma.val()));
                all.push(named(of("norm.bias"), norm.beta.val()));
                all.push(named(of("norm.running_mean"), norm.running_mean.value_sync()));
                all.push(named(of("norm.running_var"), norm.running_var.value_sync()));
                all.push((of("norm.num_batches_tracked"), vec![1], vec![7.0]));
            }
        }
        for (i, linear) in net.linears.iter().enumerate() {
            // PyTorch has a row for each output.
            all.push(named(format!("linears.{i}.weight"), linear.weight.val().transpose()));
            let bias = linear.bias.iter();
            all.extend(bias.map(|bias| named(format!("linears.{i}.bias"), bias.val())));
        }
        all
    }

    /// What `torch.save` writes: an archive with a pickle of the dictionary, and a file for each
    /// tensor's numbers.
    fn saved(tensors: &[Named]) -> Vec<u8> {
        let text =
            |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let number = |number: usize| [&b"J"[..], &(number as u32).to_le_bytes()].concat();
        let tuple = |numbers: &[usize]| {
            [b"(".to_vec(), numbers.iter().flat_map(|it| number(*it)).collect(), b"t".to_vec()]
                .concat()
        };
        let mut pickle = b"\x80\x02}(".to_vec();
        let mut files = vec![("version".to_owned(), b"3\n".to_vec())];
        for (i, (name, shape, values)) in tensors.iter().enumerate() {
            let strides: Vec<usize> =
                (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
            pickle.extend(text(name));
            pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            pickle.extend(text("storage"));
            pickle.extend(b"ctorch\nFloatStorage\n");
            pickle.extend([text(&i.to_string()), text("cpu"), number(values.len())].concat());
            pickle.extend(b"tQ");
            pickle.extend([number(0), tuple(shape), tuple(&strides)].concat());
            pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            files.push((format!("data/{i}"), bytes));
        }
        pickle.extend(b"u.");
        files.insert(0, ("data.pkl".to_owned(), pickle));
        archive(&files)
    }

    /// A zip of files that are not compressed, in a folder.
    fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let (mut zip, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in files {
            let name = format!("net/{name}");
            let size = (content.len() as u32).to_le_bytes();
            let sum = crc32fast::hash(content).to_le_bytes();
            // Version 2.0, no flags, stored, no time; then sum, sizes, and the name's length.
            let head = [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sum, &size, &size].concat();
            let head = [&head[..], &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
            let at = (zip.len() as u32).to_le_bytes();
            let entry = [b"PK\x01\x02\x14\x00", &head[..], &[0; 10], &at, name.as_bytes()].concat();
            directory.extend(entry);
            zip.extend([b"PK\x03\x04", &head[..], name.as_bytes(), content].concat());
        }
        let count = (files.len() as u16).to_le_bytes();
        let [size, at] = [directory.len(), zip.len()].map(|it| (it as u32).to_le_bytes());
        let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &at, &[0, 0]].concat();
        [zip, directory, end].concat()
    }

    /// A network of random weights, and its tensors.
    fn network(name: &str) -> (&'static Architecture, Vec<u8>, Vec<Named>) {
        let architecture = Architecture::named(name).expect("declared");
        let classifier =
            Classifier::new(Network::new(architecture, &Device::flex()), Device::flex());
        let classifier = classifier.expect("on the CPU");
        let tensors = tensors_of(classifier.network());
        (architecture, classifier.to_safetensors().expect("written"), tensors)
    }

    #[test]
    fn weights_come_in_by_their_names_and_linear_layers_are_turned() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("net.pt");
        // With batch norms and without, with a mean and without, square linear layers and others.
        for name in ["ReaderNet", "ConvNet48_Dropout3", "TensorFlow", "Caffe"] {
            let (architecture, weights, tensors) = network(name);
            fs::write(&path, saved(&tensors)).expect("written");
            let read = Classifier::from_pytorch(architecture, &path, &TensorNames::default());
            let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(read.to_safetensors().expect("written") == weights, "{name}");
        }
    }

    #[test]
    fn names_are_replaced_and_what_does_not_fit_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("net.pt");
        let (architecture, weights, mut tensors) = network("ConvNet48");
        let read = |tensors: &[Named], names: &TensorNames| {
            fs::write(&path, saved(tensors)).expect("written");
            Classifier::from_pytorch(architecture, &path, names).map_err(|error| error.to_string())
        };
        for (name, ..) in &mut tensors {
            // A Sequential, in which layers without weights have numbers, too.
            let (of, at, rest) = {
                let mut parts = name.splitn(3, '.');
                let mut next = || parts.next().unwrap_or_default().to_owned();
                (next(), next(), next())
            };
            if of == "linears" {
                let at = 2 * at.parse::<usize>().expect("a number");
                *name = format!("head.{at}.{rest}");
            }
        }
        let names =
            TensorNames { key: None, renames: vec![("^head".to_owned(), "linears".to_owned())] };
        let imported = read(&tensors, &names).expect("all are there");
        assert!(imported.to_safetensors().expect("written") == weights);

        let refused = |tensors: &[Named], names: &TensorNames| {
            read(tensors, names).expect_err("it does not fit")
        };
        let error = refused(&tensors, &TensorNames::default());
        assert!(error.contains("linears.0.bias is missing"), "{error}");
        let wrong = TensorNames { key: None, renames: vec![("(".to_owned(), String::new())] };
        assert!(refused(&tensors, &wrong).contains("regex"));
        let key = TensorNames { key: Some("state_dict".to_owned()), ..names.clone() };
        assert!(refused(&tensors, &key).contains("state_dict"));
        tensors.push(("temperature".to_owned(), vec![1], vec![0.0]));
        let error = refused(&tensors, &names);
        assert!(error.contains("the network has no temperature"), "{error}");
        tensors.pop();
        tensors[0].1.reverse();
        let error = refused(&tensors, &names);
        assert!(error.to_lowercase().contains("shape"), "{error}");
        fs::write(&path, b"no archive").expect("written");
        let read = Classifier::from_pytorch(architecture, &path, &names);
        assert!(read.is_err());
    }
}
