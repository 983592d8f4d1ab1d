#pragma once

#include <functional>
#include <map>
#include <string>

#include <nyala/model.hpp>

namespace nyala::golden {

/// The models of families/curves.py and families/weight_files.py, written as a user would write them.
const std::map<std::string, std::function<Model()>>& models();

/// Those of curves.py, compiled as there; the others as they are.
void compile_model(const std::string& name, Model& model);

}  // namespace nyala::golden
