#pragma once

#include <nyala/metrics/accuracy.hpp>
#include <nyala/metrics/confusion.hpp>
#include <nyala/metrics/fscore.hpp>
#include <nyala/metrics/iou.hpp>
#include <nyala/metrics/mean.hpp>
#include <nyala/metrics/probabilistic.hpp>
#include <nyala/metrics/regression.hpp>
