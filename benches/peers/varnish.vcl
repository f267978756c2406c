# Varnish's own rules are enough: the origin says how long its answers are fresh.
vcl 4.1;

backend default {
  .host = "{origin_host}";
  .port = "{origin_port}";
}
