#include "reference_coordinator/claim_core/backend.hpp"
