// Says what ical.js finds in calendar files, one JSON string a line.
import { createInterface } from "node:readline";
import ICAL from "ical.js";

const moment = (time) => ({
  seconds: time.toUnixTime(),
  // The reading of a clock, as the calendar shows it.
  local: time.toString(),
  zone: time.zone.tzid,
  isDate: time.isDate,
});

for await (const line of createInterface({ input: process.stdin })) {
  const calendar = ICAL.Component.fromString(JSON.parse(line));
  // The zones are those of this file, whatever an earlier one said of them.
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(new ICAL.Timezone(zone));
  }
  const events = calendar.getAllSubcomponents("vevent").map((component) => {
    const event = new ICAL.Event(component, { strictExceptions: true });
    return {
      uid: event.uid,
      sequence: event.sequence ?? 0,
      status: component.getFirstPropertyValue("status"),
      transparency: component.getFirstPropertyValue("transp"),
      summary: event.summary,
      attendee: component.getFirstPropertyValue("attendee"),
      start: moment(event.startDate),
      end: moment(event.endDate),
    };
  });
  const answer = {
    method: calendar.getFirstPropertyValue("method"),
    name: calendar.getFirstPropertyValue("x-wr-calname"),
    events,
  };
  process.stdout.write(JSON.stringify(answer) + "\n");
}
