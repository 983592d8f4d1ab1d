#pragma once

#include <string>

#include <nyala/tensor.hpp>

/// Public data sets, read from files that are there already: nothing is downloaded. A set called `name` is looked for
/// in $NYALA_DATA_DIR/name, then in the data folder of the source tree that the library was built from, then in
/// share/nyala/name beside an installed library.
namespace nyala::datasets {

struct Split {
  Tensor x, y;
};

struct Splits {
  Split train, test;
};

/// Handwritten digits: 60,000 and 10,000 images uint8 (n, 28, 28), labels uint8 (n,). Reads train-images-idx3-ubyte.gz,
/// train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz, or the same unpacked. Throws
/// Error naming the places looked at, or the file that is damaged. https://keras.io/api/datasets/mnist/
namespace mnist {
Splits load_data();
}

/// Pictures of clothes in the same form, from a folder fashion_mnist. https://keras.io/api/datasets/fashion_mnist/
namespace fashion_mnist {
Splits load_data();
}

/// Small photographs: 50,000 and 10,000 images uint8 (n, 32, 32, 3), labels uint8 (n, 1). Reads data_batch_1.bin to
/// data_batch_5.bin and test_batch.bin of the "binary version" from a folder cifar10, gzipped or not.
/// https://keras.io/api/datasets/cifar10/
namespace cifar10 {
Splits load_data();
}

/// The same with 100 classes, or, with label_mode "coarse", their 20 groups; train.bin and test.bin from a folder
/// cifar100. https://keras.io/api/datasets/cifar100/
namespace cifar100 {
Splits load_data(const std::string& label_mode = "fine");
}

}  // namespace nyala::datasets
