#include <nyala/layers.hpp>

#include "model/registry.hpp"

namespace nyala::detail {

namespace {

template <class L>
LayerRef make(const Config& config) {
  return LayerRef(L::from_config(config));
}

}  // namespace

const std::vector<BuiltinLayer>& builtin_layers() {
  static const std::vector<BuiltinLayer> layers = {
      {"Activation", make<Activation>},
      {"ActivityRegularization", make<ActivityRegularization>},
      {"Add", make<Add>},
      {"AdditiveAttention", make<AdditiveAttention>},
      {"AlphaDropout", make<AlphaDropout>},
      {"Attention", make<Attention>},
      {"Average", make<Average>},
      {"AveragePooling1D", make<AveragePooling1D>},
      {"AveragePooling2D", make<AveragePooling2D>},
      {"AveragePooling3D", make<AveragePooling3D>},
      {"BatchNormalization", make<BatchNormalization>},
      {"Bidirectional", make<Bidirectional>},
      {"Concatenate", make<Concatenate>},
      {"Conv1D", make<Conv1D>},
      {"Conv1DTranspose", make<Conv1DTranspose>},
      {"Conv2D", make<Conv2D>},
      {"Conv2DTranspose", make<Conv2DTranspose>},
      {"Conv3D", make<Conv3D>},
      {"Conv3DTranspose", make<Conv3DTranspose>},
      {"Cropping1D", make<Cropping1D>},
      {"Cropping2D", make<Cropping2D>},
      {"Cropping3D", make<Cropping3D>},
      {"Dense", make<Dense>},
      {"DepthwiseConv1D", make<DepthwiseConv1D>},
      {"DepthwiseConv2D", make<DepthwiseConv2D>},
      {"Dot", make<Dot>},
      {"Dropout", make<Dropout>},
      {"ELU", make<ELU>},
      {"EinsumDense", make<EinsumDense>},
      {"Embedding", make<Embedding>},
      {"Flatten", make<Flatten>},
      {"GRU", make<GRU>},
      {"GRUCell", make<GRUCell>},
      {"GaussianDropout", make<GaussianDropout>},
      {"GaussianNoise", make<GaussianNoise>},
      {"GlobalAveragePooling1D", make<GlobalAveragePooling1D>},
      {"GlobalAveragePooling2D", make<GlobalAveragePooling2D>},
      {"GlobalAveragePooling3D", make<GlobalAveragePooling3D>},
      {"GlobalMaxPooling1D", make<GlobalMaxPooling1D>},
      {"GlobalMaxPooling2D", make<GlobalMaxPooling2D>},
      {"GlobalMaxPooling3D", make<GlobalMaxPooling3D>},
      {"GroupNormalization", make<GroupNormalization>},
      {"Identity", make<Identity>},
      {"InputLayer", make<InputLayer>},
      {"LSTM", make<LSTM>},
      {"LSTMCell", make<LSTMCell>},
      {"LayerNormalization", make<LayerNormalization>},
      {"LeakyReLU", make<LeakyReLU>},
      {"Masking", make<Masking>},
      {"MaxPooling1D", make<MaxPooling1D>},
      {"MaxPooling2D", make<MaxPooling2D>},
      {"MaxPooling3D", make<MaxPooling3D>},
      {"Maximum", make<Maximum>},
      {"Minimum", make<Minimum>},
      {"MultiHeadAttention", make<MultiHeadAttention>},
      {"Multiply", make<Multiply>},
      {"Normalization", make<Normalization>},
      {"PReLU", make<PReLU>},
      {"Permute", make<Permute>},
      {"RNN", make<RNN>},
      {"ReLU", make<ReLU>},
      {"RepeatVector", make<RepeatVector>},
      {"Rescaling", make<Rescaling>},
      {"Reshape", make<Reshape>},
      {"SeparableConv1D", make<SeparableConv1D>},
      {"SeparableConv2D", make<SeparableConv2D>},
      {"SimpleRNN", make<SimpleRNN>},
      {"SimpleRNNCell", make<SimpleRNNCell>},
      {"Softmax", make<Softmax>},
      {"SpatialDropout1D", make<SpatialDropout1D>},
      {"SpatialDropout2D", make<SpatialDropout2D>},
      {"SpatialDropout3D", make<SpatialDropout3D>},
      {"Subtract", make<Subtract>},
      {"TimeDistributed", make<TimeDistributed>},
      {"UpSampling1D", make<UpSampling1D>},
      {"UpSampling2D", make<UpSampling2D>},
      {"UpSampling3D", make<UpSampling3D>},
      {"ZeroPadding1D", make<ZeroPadding1D>},
      {"ZeroPadding2D", make<ZeroPadding2D>},
      {"ZeroPadding3D", make<ZeroPadding3D>},
  };
  return layers;
}

}  // namespace nyala::detail
