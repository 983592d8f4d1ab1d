#pragma once

// Every callback that comes with the library. https://keras.io/api/callbacks/

#include <nyala/callbacks/backup_and_restore.hpp>
#include <nyala/callbacks/csv_logger.hpp>
#include <nyala/callbacks/early_stopping.hpp>
#include <nyala/callbacks/lambda_callback.hpp>
#include <nyala/callbacks/learning_rate_scheduler.hpp>
#include <nyala/callbacks/model_checkpoint.hpp>
#include <nyala/callbacks/reduce_lr_on_plateau.hpp>
#include <nyala/callbacks/swap_ema_weights.hpp>
#include <nyala/callbacks/tensor_board.hpp>
#include <nyala/callbacks/terminate_on_nan.hpp>
