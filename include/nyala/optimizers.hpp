#pragma once

#include <nyala/optimizers/adadelta.hpp>
#include <nyala/optimizers/adafactor.hpp>
#include <nyala/optimizers/adagrad.hpp>
#include <nyala/optimizers/adam.hpp>
#include <nyala/optimizers/adamax.hpp>
#include <nyala/optimizers/adamw.hpp>
#include <nyala/optimizers/ftrl.hpp>
#include <nyala/optimizers/lamb.hpp>
#include <nyala/optimizers/lion.hpp>
#include <nyala/optimizers/loss_scale_optimizer.hpp>
#include <nyala/optimizers/muon.hpp>
#include <nyala/optimizers/nadam.hpp>
#include <nyala/optimizers/rmsprop.hpp>
#include <nyala/optimizers/schedule_free_adamw.hpp>
#include <nyala/optimizers/sgd.hpp>
#include <nyala/schedules.hpp>
