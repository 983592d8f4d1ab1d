#pragma once

#include <map>
#include <string>

#include <nyala/tensor.hpp>

namespace nyala {

/// An array from a NumPy file (.npy, versions 1 to 3, either byte order, C or Fortran order). bfloat16, which NumPy
/// does not name, is what ml_dtypes writes for it: "V2". Throws Error, naming file and place, for a file that cannot be
/// read, is damaged, or holds another kind of elements (complex, text, records, objects).
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
Tensor load_npy(const std::string& path);

/// Writes a tensor so that numpy.load reads it. A file of that name is replaced only once the new one is complete.
/// Throws Error for strings, for a tensor that is not on the CPU, and when the file cannot be written.
void save_npy(const std::string& path, const Tensor& tensor);

/// The arrays of a NumPy archive (.npz: numpy.savez and numpy.savez_compressed) by name, without the ".npy" that their
/// files have there. Throws Error, naming file and array, as load_npy does; for a damaged archive, for members that are
/// no arrays, and for one that unpacks to more than a gigabyte and 16 times the archive.
/// https://numpy.org/doc/stable/reference/generated/numpy.savez.html
std::map<std::string, Tensor> load_npz(const std::string& path);

/// Writes tensors so that numpy.load(path)[name] reads them; not compressed. A file of that name is replaced only once
/// the new one is complete. Throws Error for what save_npy refuses, and for a name that is empty or would
/// lead out of the archive.
void save_npz(const std::string& path, const std::map<std::string, Tensor>& arrays);

}  // namespace nyala
