//! Matrix products on slices.

/// A view of a slice as a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// Distance in `values` between two rows, and between two columns.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Row after row.
    ///
    /// # Panics
    /// When the slice holds another number of values.
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix of {rows} x {columns}");
        Matrix { values, rows, columns, strides: [columns, 1] }
    }

    /// `count` columns from `first` on.
    ///
    /// # Panics
    /// When there are fewer.
    #[cfg(feature = "native")]
    pub(crate) fn columns(self, first: usize, count: usize) -> Self {
        assert!(first + count <= self.columns, "columns {first} and {count} more");
        let start = (first * self.strides[1]).min(self.values.len());
        Matrix { values: &self.values[start..], columns: count, ..self }
    }

    /// The same values with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Matrix { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

/// Whether a product replaces what the output holds, or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Into {
    Replace,
    Add,
}

/// Writes the product of `a` and `b` into `out`, row after row, on the calling thread.
///
/// # Panics
/// When the sizes don't fit together.
pub(crate) fn multiply(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, into: Into) {
    assert_eq!(a.columns, b.rows, "inner sizes");
    assert_eq!(out.len(), a.rows * b.columns, "the output's size");
    let beta = 1.0;
    let alpha = if into == Into::Add { 1.0 } else { 0.0 };
    let stride = |length: usize| length as isize;
    #[expect(
        unsafe_code,
        reason = "the product on slices; no library has these kernels behind a safe interface"
    )]
    // SAFETY: `Matrix::new` has checked that all rows and columns lie in the slice, and what
    // `columns` and `transposed` make of it names no others; the assertions above compare all
    // sizes, and `out` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            stride(b.columns),
            into == Into::Add,
            a.values.as_ptr(),
            stride(a.strides[1]),
            stride(a.strides[0]),
            b.values.as_ptr(),
            stride(b.strides[1]),
            stride(b.strides[0]),
            alpha,
            beta,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_orders() {
        let a: Vec<f32> = (0..6u8).map(f32::from).collect();
        let b: Vec<f32> = (0..12u8).map(f32::from).collect();
        let mut out = vec![1.0; 8];
        // By hand: rows (0 1 2) and (3 4 5) by the 3 x 4 matrix 0..12.
        multiply(&mut out, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 4), Into::Replace);
        assert_eq!(out, [20.0, 23.0, 26.0, 29.0, 56.0, 68.0, 80.0, 92.0]);
        multiply(&mut out, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 4), Into::Add);
        assert_eq!(out, [40.0, 46.0, 52.0, 58.0, 112.0, 136.0, 160.0, 184.0]);
        // The same numbers, read down the columns: (0 2 4), (1 3 5) and by columns of three.
        let (a, b) = (Matrix::new(&a, 3, 2).transposed(), Matrix::new(&b, 4, 3).transposed());
        multiply(&mut out, a, b, Into::Replace);
        assert_eq!(out, [10.0, 28.0, 46.0, 64.0, 13.0, 40.0, 67.0, 94.0]);
    }
}
