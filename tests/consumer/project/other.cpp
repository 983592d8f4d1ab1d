#include <nyala/nyala.hpp>

double mean_of_ones() { return double{nyala::mean(nyala::ones({3, 4})).item<float>()}; }
