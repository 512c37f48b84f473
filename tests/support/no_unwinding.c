// Linked to a program whose panics unwind: the first one ends it, wherever it would be caught.

#include <stdlib.h>

int _Unwind_RaiseException(void *exception) {
  (void)exception;
  abort();
}
