#pragma once

#include <string>

#include <nyala/model.hpp>
#include <nyala/saved_state.hpp>

#include "model/callback_list.hpp"
#include "model/model_state.hpp"

// The parts of what a run is saved as, each under a name of its own. save_… adds to the state; check_… throws Error,
// saying what differs, unless the state fits; load_… takes over what was checked.

namespace nyala::detail {

/// Weights, kept states and random streams of the layers, the optimizer's variables.
void save_model(const Model& model, SavedState& state);
/// Builds what the first batch would build; `first` is asked only if that is needed.
void check_model(Model& model, const SavedState& state, const std::function<Tensors()>& first);
void load_model(Model& model, const SavedState& state);

/// The running means of losses and metrics within an epoch.
void save_running(const Compiled& compiled, SavedState& state);
void check_running(const Compiled& compiled, const SavedState& state);
void load_running(const Model& model, Compiled& compiled, const SavedState& state);

void save_callbacks(const CallbackList& callbacks, SavedState& state);
/// Callbacks are told apart by class and order; one that has no counterpart is named in a warning.
void load_callbacks(const CallbackList& callbacks, const SavedState& state);

void save_history(const History& history, const Logs& logs, SavedState& state);
void load_history(History& history, Logs& logs, const SavedState& state);

}  // namespace nyala::detail
