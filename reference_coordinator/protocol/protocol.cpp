#include "reference_coordinator/protocol/protocol.hpp"
