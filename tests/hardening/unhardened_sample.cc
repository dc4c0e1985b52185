// SPDX-License-Identifier: Apache-2.0
// A program without hardening: what hardening_test must complain about.
int main() { return 0; }
