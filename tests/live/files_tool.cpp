// For files_live.py: does what the lines of a text file say, one after another, and prints "ok" or the error for each.
//   run MODEL OUT|- Y X...        loads, predicts into Y.0.npy, Y.1.npy, ... and saves
//   save MODEL OUT
//   weights MODEL WEIGHTS OUT Y X...   the same after load_weights(WEIGHTS)
//   train MODEL OUT STEPS LOSSES X,... Y,...   train_on_batch; the losses, one a line
#include <nyala/nyala.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

using namespace nyala;

namespace {

void save_as(const Model& model, const std::string& path) {
  if (path == "-") return;
  if (path.ends_with(".weights.h5"))
    model.save_weights(path);
  else if (path.ends_with(".weights.json"))
    model.save_weights(path, {.max_shard_size = 1e-4});
  else
    model.save(path);
}

Tensors arrays(const std::string& names) {
  std::istringstream words(names);
  Tensors values;
  for (std::string name; std::getline(words, name, ',');) values.push_back(load_npy(name));
  return values;
}

void predict(const Model& model, const std::string& y, std::istringstream& words) {
  Tensors inputs;
  for (std::string x; words >> x;) inputs.push_back(load_npy(x));
  const Tensors outputs = model.predict(inputs, {.verbose = 0});
  for (std::size_t i = 0; i < outputs.size(); ++i) save_npy(y + "." + std::to_string(i) + ".npy", outputs[i]);
}

void run(const std::string& line) {
  std::istringstream words(line);
  std::string what, from, weights, to, y;
  words >> what >> from;
  if (what == "save") {
    words >> to;
    return save_as(load_model(from), to);
  }
  if (what == "weights") words >> weights;
  Model model = load_model(from, {.compile = what == "train" || what == "run"});
  words >> to;
  if (!weights.empty()) model.load_weights(weights);
  if (what == "train") {
    int steps = 0;
    std::string losses, x, target;
    words >> steps >> losses >> x >> target;
    std::ofstream out(losses);
    out.precision(9);
    for (int i = 0; i < steps; ++i) {
      model.reset_metrics();
      out << model.train_on_batch(arrays(x), arrays(target)).at("loss") << '\n';
    }
  } else {
    words >> y;
    predict(model, y, words);
  }
  save_as(model, to);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream jobs(argv[1]);
  for (std::string line; std::getline(jobs, line);) {
    try {
      run(line);
      std::cout << "ok\n";
    } catch (const std::exception& error) {
      std::string text = error.what();
      for (char& c : text) c = c == '\n' ? ' ' : c;
      std::cout << text << '\n';
    }
  }
}
