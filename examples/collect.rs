use burn::{
    remote::RemoteHost,
    tensor::{
        Device, Tensor,
        distributed::{DistributedConfig, DistributedContext, ReduceOperation, all_reduce},
    },
};
fn attempt(what: &str, work: impl FnOnce() -> String) {
    println!("--- {what}");
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(s) => println!("ok: {s}"),
        Err(_) => println!("PANIC"),
    }
}
fn main() {
    let address = std::env::args().nth(1).unwrap();
    let flex = Device::flex();
    let config = || DistributedConfig { all_reduce_op: ReduceOperation::Mean };
    attempt("flex context", || {
        let c = DistributedContext::init(vec![flex.clone(), flex.clone()], config());
        format!("{c:?}")
    });
    attempt("flex all_reduce", || {
        let t: Tensor<1> = Tensor::from_floats([1.0, 2.0], &flex);
        format!("{}", all_reduce(t, ReduceOperation::Mean, vec![flex.clone()]).resolve())
    });
    let host = RemoteHost::websocket(&address);
    let lent: Vec<Device> = (0..2)
        .map(|i: usize| Device::remote_options(&host).device_index(i).init().unwrap())
        .collect();
    attempt("remote context", || {
        let c =
            DistributedContext::init(lent.iter().map(|d| d.clone().autodiff()).collect(), config());
        format!("{c:?}")
    });
    attempt("remote all_reduce", || {
        let ts: Vec<Tensor<1>> = lent.iter().map(|d| Tensor::from_floats([1.0, 2.0], d)).collect();
        let rs: Vec<_> =
            ts.into_iter().map(|t| all_reduce(t, ReduceOperation::Mean, lent.clone())).collect();
        rs.into_iter()
            .map(|r| format!("{:?}", r.resolve().try_into_data().map_err(|e| e.to_string())))
            .collect()
    });
    if let Some(other) = std::env::args().nth(2) {
        let two = vec![
            lent[0].clone(),
            Device::remote_options(&RemoteHost::websocket(&other)).init().unwrap(),
        ];
        attempt("two lenders", || {
            let t: Tensor<1> = Tensor::from_floats([1.0], &two[1]);
            format!(
                "{:?}",
                all_reduce(t, ReduceOperation::Sum, two.clone())
                    .resolve()
                    .try_into_data()
                    .map_err(|e| e.to_string())
            )
        });
    }
}
