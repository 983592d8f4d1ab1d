#include <utility>

#include <nyala/model.hpp>

// What these hold is kept out of the header: maps and vectors of them would cost every program that includes it.
namespace nyala {

struct Losses::Data {
  std::vector<LossRef> list;
  std::map<std::string, LossRef> by_name;
};

Losses::Losses(One, LossRef for_every_output)
    : data_(std::make_shared<Data>(Data{.list = {std::move(for_every_output)}, .by_name = {}})) {}
Losses::Losses(std::initializer_list<LossRef> per_output) : Losses(std::vector<LossRef>(per_output)) {}
Losses::Losses(std::initializer_list<std::pair<const std::string, LossRef>> by_name)
    : Losses(std::map<std::string, LossRef>(by_name)) {}
Losses::Losses(std::vector<LossRef> per_output)
    : data_(std::make_shared<Data>(Data{.list = std::move(per_output), .by_name = {}})) {}
Losses::Losses(std::map<std::string, LossRef> by_name)
    : data_(std::make_shared<Data>(Data{.list = {}, .by_name = std::move(by_name)})) {}

const std::vector<LossRef>& Losses::list() const {
  static const std::vector<LossRef> none;
  return data_ ? data_->list : none;
}
const std::map<std::string, LossRef>& Losses::by_name() const {
  static const std::map<std::string, LossRef> none;
  return data_ ? data_->by_name : none;
}

struct Metrics::Data {
  std::vector<MetricRef> list = {};
  std::vector<std::vector<MetricRef>> per_output = {};
  std::map<std::string, std::vector<MetricRef>> by_name = {};
};

Metrics::Metrics(Data data) {
  if (!data.list.empty() || !data.per_output.empty() || !data.by_name.empty())
    data_ = std::make_shared<Data>(std::move(data));
}
Metrics::Metrics(std::initializer_list<MetricRef> metrics) : Metrics(Data{.list = metrics}) {}
Metrics::Metrics(std::initializer_list<std::pair<const std::string, std::vector<MetricRef>>> by_name)
    : Metrics(Data{.by_name = by_name}) {}
Metrics::Metrics(std::vector<MetricRef> metrics) : Metrics(Data{.list = std::move(metrics)}) {}
Metrics::Metrics(std::vector<std::vector<MetricRef>> per_output) : Metrics(Data{.per_output = std::move(per_output)}) {}
Metrics::Metrics(std::map<std::string, std::vector<MetricRef>> by_name)
    : Metrics(Data{.by_name = std::move(by_name)}) {}

const std::vector<MetricRef>& Metrics::list() const {
  static const std::vector<MetricRef> none;
  return data_ ? data_->list : none;
}
const std::vector<std::vector<MetricRef>>& Metrics::per_output() const {
  static const std::vector<std::vector<MetricRef>> none;
  return data_ ? data_->per_output : none;
}
const std::map<std::string, std::vector<MetricRef>>& Metrics::by_name() const {
  static const std::map<std::string, std::vector<MetricRef>> none;
  return data_ ? data_->by_name : none;
}

struct LossWeights::Data {
  std::vector<double> list = {};
  std::map<std::string, double> by_name = {};
};

LossWeights::LossWeights(Data data) {
  if (!data.list.empty() || !data.by_name.empty()) data_ = std::make_shared<Data>(std::move(data));
}
LossWeights::LossWeights(std::initializer_list<double> per_output) : LossWeights(Data{.list = per_output}) {}
LossWeights::LossWeights(std::initializer_list<std::pair<const std::string, double>> by_name)
    : LossWeights(Data{.by_name = by_name}) {}
LossWeights::LossWeights(std::vector<double> per_output) : LossWeights(Data{.list = std::move(per_output)}) {}
LossWeights::LossWeights(std::map<std::string, double> by_name) : LossWeights(Data{.by_name = std::move(by_name)}) {}

const std::vector<double>& LossWeights::list() const {
  static const std::vector<double> none;
  return data_ ? data_->list : none;
}
const std::map<std::string, double>& LossWeights::by_name() const {
  static const std::map<std::string, double> none;
  return data_ ? data_->by_name : none;
}

struct ValidationData::Data {
  ModelData x, y;
  Tensors sample_weight;
  std::optional<Dataset> data;
};

ValidationData::ValidationData(const ModelData& x, const ModelData& y, const Tensors& sample_weight)
    : data_(std::make_shared<Data>(Data{.x = x, .y = y, .sample_weight = sample_weight, .data = {}})) {}
ValidationData::ValidationData(const Dataset& data)
    : data_(std::make_shared<Data>(Data{.x = {}, .y = {}, .sample_weight = {}, .data = data})) {}

const ValidationData::Data& ValidationData::none() {
  static const Data none;
  return none;
}
bool ValidationData::given() const { return data_ && (data_->data || !data_->x.empty()); }
const ModelData& ValidationData::x() const { return data_ ? data_->x : none().x; }
const ModelData& ValidationData::y() const { return data_ ? data_->y : none().y; }
const Tensors& ValidationData::sample_weight() const { return data_ ? data_->sample_weight : none().sample_weight; }
const std::optional<Dataset>& ValidationData::data() const { return data_ ? data_->data : none().data; }

struct ClassWeights::Data {
  std::map<int, double> weights = {};
  std::map<std::string, std::map<int, double>> by_output = {};
};

ClassWeights::ClassWeights(Data data) {
  if (!data.weights.empty() || !data.by_output.empty()) data_ = std::make_shared<Data>(std::move(data));
}
ClassWeights::ClassWeights(std::initializer_list<std::pair<const int, double>> weights)
    : ClassWeights(Data{.weights = weights}) {}
ClassWeights::ClassWeights(std::initializer_list<std::pair<const std::string, std::map<int, double>>> by_output)
    : ClassWeights(Data{.by_output = by_output}) {}
ClassWeights::ClassWeights(std::map<int, double> weights) : ClassWeights(Data{.weights = std::move(weights)}) {}
ClassWeights::ClassWeights(std::map<std::string, std::map<int, double>> by_output)
    : ClassWeights(Data{.by_output = std::move(by_output)}) {}

const std::map<int, double>& ClassWeights::weights() const {
  static const std::map<int, double> none;
  return data_ ? data_->weights : none;
}
const std::map<std::string, std::map<int, double>>& ClassWeights::by_output() const {
  static const std::map<std::string, std::map<int, double>> none;
  return data_ ? data_->by_output : none;
}

}  // namespace nyala
