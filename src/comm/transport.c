// transport.c - owns the transport of this process.
#include "comm/transport.h"

static const mg_transport *current;

void mg_transport_use(const mg_transport *transport) { current = transport; }

const mg_transport *mg_transport_current(void) { return current; }
