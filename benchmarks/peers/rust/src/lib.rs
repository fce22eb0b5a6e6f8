//! What one would write with PyO3 instead of gostitch: the functions of
//! `gocore/internal/faults/bench.go`, each of which frees the GIL while it works.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// A record inside the arguments.
#[pyclass(frozen, from_py_object)]
#[derive(Clone)]
struct Inner {
    id: i64,
    label: String,
}

#[pymethods]
impl Inner {
    #[new]
    fn new(id: i64, label: String) -> Self {
        Inner { id, label }
    }
}

/// The arguments of `structured`.
#[pyclass(frozen)]
struct Request {
    name: String,
    numbers: Vec<i64>,
    inner: Inner,
}

#[pymethods]
impl Request {
    #[new]
    fn new(name: String, numbers: Vec<i64>, inner: Inner) -> Self {
        Request {
            name,
            numbers,
            inner,
        }
    }
}

/// The result of `structured`.
#[pyclass(frozen, get_all)]
struct Reply {
    total: i64,
    words: Vec<String>,
}

fn answer(name: &str, numbers: &[i64], id: i64, label: &str) -> Reply {
    let total = numbers.iter().sum::<i64>() + id;
    let words = vec![
        name.to_owned(),
        label.to_owned(),
        [name, "/", label].concat(),
        numbers.len().to_string(),
        total.to_string(),
    ];
    Reply { total, words }
}

/// Does nothing: the bare crossing.
#[pyfunction]
fn nothing(py: Python<'_>) {
    py.detach(|| ());
}

/// Returns the sum of two numbers.
#[pyfunction]
fn add(py: Python<'_>, a: i64, b: i64) -> i64 {
    py.detach(|| a.wrapping_add(b))
}

/// Takes an object and gives one, each of a class with fields.
#[pyfunction]
fn structured(py: Python<'_>, request: &Request) -> Reply {
    py.detach(|| {
        answer(
            &request.name,
            &request.numbers,
            request.inner.id,
            &request.inner.label,
        )
    })
}

/// The arguments of `structured_dict`, as PyO3 reads them from a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct RequestItems {
    name: String,
    numbers: Vec<i64>,
    inner: InnerItems,
}

/// A record inside `RequestItems`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct InnerItems {
    id: i64,
    label: String,
}

/// Takes a dict and gives one.
#[pyfunction]
fn structured_dict<'py>(py: Python<'py>, request: RequestItems) -> PyResult<Bound<'py, PyDict>> {
    let r = &request;
    let reply = py.detach(|| answer(&r.name, &r.numbers, r.inner.id, &r.inner.label));
    let result = PyDict::new(py);
    result.set_item(pyo3::intern!(py, "total"), reply.total)?;
    result.set_item(pyo3::intern!(py, "words"), reply.words)?;
    Ok(result)
}

/// Reads bytes where they are: their number plus the last of them.
#[pyfunction]
fn bytes_in(py: Python<'_>, data: &[u8]) -> i64 {
    py.detach(|| data.len() as i64 + data.last().map_or(0, |&last| i64::from(last)))
}

/// Reads numbers where they are: how many they are plus the last of them.
#[pyfunction]
fn floats_in(py: Python<'_>, values: PyBuffer<f64>) -> PyResult<f64> {
    if !values.is_c_contiguous() {
        return Err(PyValueError::new_err("the numbers are not contiguous"));
    }
    // SAFETY: the buffer is contiguous, of f64 and held until the end; its writers, if
    // there are any, are the caller's.
    let data =
        unsafe { std::slice::from_raw_parts(values.buf_ptr().cast::<f64>(), values.item_count()) };
    Ok(py.detach(|| data.len() as f64 + data.last().copied().unwrap_or(0.0)))
}

/// Gives so many bytes, all of them 7, written where Python keeps them.
#[pyfunction]
fn bytes_out(py: Python<'_>, size: isize) -> PyResult<Bound<'_, PyBytes>> {
    let size = usize::try_from(size).map_err(|_| PyOverflowError::new_err("size is negative"))?;
    PyBytes::new_with(py, size, |data| {
        py.detach(|| data.fill(7));
        Ok(())
    })
}

/// Returns the sum of two numbers to who awaits it.
#[pyfunction]
fn add_async(py: Python<'_>, a: i64, b: i64) -> PyResult<Bound<'_, PyAny>> {
    pyo3_async_runtimes::tokio::future_into_py(py, async move { Ok(a.wrapping_add(b)) })
}

#[pymodule]
mod rust_peer {
    #[pymodule_export]
    use super::{
        Inner, Reply, Request, add, add_async, bytes_in, bytes_out, floats_in, nothing, structured,
        structured_dict,
    };
}
